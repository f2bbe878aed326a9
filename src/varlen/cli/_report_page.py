"""The page of `varlen report`, part by part."""

import math
from itertools import chain

import numpy as np

from varlen.cli._drawing import (
    Line,
    curves,
    heat,
    intervals,
    length_bars,
    reliability,
    share_bars,
)
from varlen.cli._evaluation_tables import NO_RANGES, best_at, class_table, length_table, span_table
from varlen.cli._judging import Judgement
from varlen.cli._padding import BATCH_SIZE, padding_of
from varlen.cli._page import beside, folded, page, paragraph, section, table, titled
from varlen.cli._plan_report import epoch_time
from varlen.cli._report_examples import example
from varlen.cli._report_head import RunReport, aims_of_run, head, metrics_of
from varlen.cli._shared import counted, percent, setting_text, shown
from varlen.train import Metric, settings_of

_MOST_CLASSES = 40
_MOST_IN_MATRIX = 20
_MOST_CONFUSIONS = 12
_SPLITS = ("train", "valid")
_STAGES = {
    "data": "waiting for data",
    "learning": "learning: forward, backward and step",
    "validation": "validation",
    "saving": "saving",
}


def report_page(report: RunReport) -> str:
    """The page, as HTML."""
    found = report.judgement
    parts = [head(report)]
    if report.rows:
        parts.append(_curves(report))
    if found is not None:
        parts += [_by_length(found), _lengths(report, found)]
        if found.evaluation.class_names:
            parts += [_by_class(found), _confusions(found)]
        if found.evaluation.calibration is not None:
            parts.append(_calibration(found))
        parts.append(_worst(found))
    if report.rows:
        parts.append(_times(report))
    parts.append(_settings(report))
    return page(f"varlen report: {report.run.path.resolve().name}", parts)


def _curves(report: RunReport) -> str:
    rows = report.rows
    best = next((row["step"] for row in reversed(rows) if row["best"]), None)
    train = list(chain.from_iterable(row.get("curve", ()) for row in rows))
    drawings, aims = [], aims_of_run(report)
    metrics = [metric for metric in metrics_of(report) if metric.name != "loss"]
    for metric in (Metric("loss", False), *metrics):
        name = metric.name
        per_epoch = [(row["step"], row[f"train_{name}"]) for row in rows]
        points = [(step, loss) for step, loss in train]
        lines = [
            Line("train", "plain", points if name == "loss" and points else per_epoch),
            Line("valid", "bar", [(row["step"], row[f"valid_{name}"]) for row in rows]),
        ]
        aim = aims.get(name)
        title = f"{name}, {best_at(metric, aims)}" if aim is not None else name
        drawings.append(
            titled(title, curves(lines, is_share=metric.is_share, mark=best, level=aim))
        )
    header = [
        "epoch",
        "step",
        *(f"{split} {m.name}" for m in metrics_of(report) for split in _SPLITS),
    ]
    figures = [
        [
            f"{row['epoch']:,}",
            f"{row['step']:,}",
            *(shown(m, row[f"{split}_{m.name}"]) for m in metrics_of(report) for split in _SPLITS),
        ]
        for row in rows[-_MOST_CLASSES:]
    ]
    return section(
        "curves",
        "Curves",
        paragraph(
            "Train is what was learned from, while it was; upright dashes mark the best epoch."
        ),
        beside(*drawings),
        folded("figures of the last epochs", table(header, figures)),
    )


def _by_length(judgement: Judgement) -> str:
    found, metric = judgement.evaluation, judgement.task.metrics[0]
    header, lines = length_table(found, metric)
    drawn = [
        (cells[0], cells[2], math.nan if row.value is None else row.value, *(row.interval or ()))
        for row, cells in zip(found.by_length(metric), lines, strict=True)
    ]
    return section(
        "by-length",
        f"{metric.name.capitalize()} by length",
        paragraph(
            "Ranges hold 95 of 100 figures with other sequences of the same kind."
            if len(found.lengths) > 1
            else f"{NO_RANGES.capitalize()}."
        ),
        beside(
            intervals(drawn),
            table(header, lines, left=1),
        ),
    )


def _lengths(report: RunReport, judgement: Judgement) -> str:
    lengths = judgement.evaluation.lengths
    compared = [
        (f"{BATCH_SIZE} sequences in the order of the files", padding_of(lengths).file_order)
    ]
    if report.rows:
        compared.append(("batches of this training", report.rows[-1]["padding"]))
    return section(
        "lengths",
        "Lengths and padding",
        paragraph(
            f"{counted(len(lengths), 'sequence')} of the split {judgement.split}, of "
            f"{lengths.mean():,.1f} steps on average. Padding is what padded batches would "
            "have; it costs nothing."
        ),
        beside(
            titled("sequences by length", length_bars(lengths)),
            titled("padding", share_bars(compared)),
        ),
    )


def _by_class(judgement: Judgement) -> str:
    kind = judgement.task.class_kind
    header, rows = class_table(judgement.evaluation, kind)
    parts = [table(header, rows[:_MOST_CLASSES], left=1)]
    if rest := rows[_MOST_CLASSES:]:
        parts.append(folded(f"{len(rest):,} more", table(header, rest, left=1)))
    header, rows = span_table(judgement.evaluation)
    if rows:
        parts.append(titled("whole spans", table(header, rows, left=1, last_is_all=True)))
    return section("by-class", f"By {kind}", *parts)


def _confusions(judgement: Judgement) -> str:
    found = judgement.evaluation
    names, confusion = found.class_names, found.confusion
    totals = confusion.totals
    used = np.flatnonzero(totals + confusion.times_given)
    chosen = used[np.argsort(-totals[used], kind="stable")][:_MOST_IN_MATRIX]
    mistakes = confusion.mistakes(_MOST_CONFUSIONS)
    rows = [[names[true], names[given], f"{count:,}"] for true, given, count in mistakes]
    matrix = heat([names[i] for i in chosen], confusion.among(chosen).tolist())
    which = "" if len(chosen) == len(used) else f", of the {len(chosen)} most frequent"
    most = table(["right is", "given was", "times"], rows, left=2) if rows else "no mistake"
    return section(
        "confusion",
        "What is taken for what",
        beside(
            titled(f"rows are right, columns were given{which}", matrix),
            titled("the most frequent mistakes", most),
        ),
    )


def _calibration(judgement: Judgement) -> str:
    found = judgement.evaluation.calibration
    assert found is not None
    total = max(int(found.counts.sum()), 1)
    bins = [
        (float(confidence / count), float(correct / count), float(count / total))
        for count, correct, confidence in zip(*found, strict=True)
        if count
    ]
    counts = [f"{count:,}" for count in found.counts if count]
    rows = [
        [count, percent(sure), percent(right)]
        for count, (sure, right, _) in zip(counts, bins, strict=True)
    ]
    return section(
        "calibration",
        "Calibration",
        paragraph(
            f"Expected calibration error: {percent(found.error)}. On the dashed line a model is "
            "right as often as it is sure."
        ),
        beside(reliability(bins), table(["decisions", "how sure", "how often right"], rows)),
    )


def _worst(judgement: Judgement) -> str:
    names, worst = judgement.evaluation.class_names, judgement.evaluation.worst
    shown_examples = [
        example(judged, judgement.records[judged.number], names, judgement.task) for judged in worst
    ]
    legend = ""
    if names:
        legend = "; mistakes are marked, with what was given and what is right"
    elif any(judged.numbers is not None for judged in worst):
        legend = "; with what was predicted: the median, from the lowest to the highest quantile"
    return section(
        "worst",
        "The hardest sequences",
        paragraph(
            f"{counted(len(shown_examples), 'sequence')} of the highest mean loss, the highest "
            f"first{legend}."
        ),
        *shown_examples,
    )


def _times(report: RunReport) -> str:
    seconds: dict[str, float] = {}
    for row in report.rows:
        for stage, spent in row.get("stages", {}).items():
            seconds[stage] = seconds.get(stage, 0.0) + spent
    total = sum(seconds.values())
    if not total:
        return ""
    named = [(_STAGES.get(stage, stage), spent) for stage, spent in seconds.items()]
    named.sort(key=lambda one: -one[1])
    rows = [[name, epoch_time(spent), percent(spent / total)] for name, spent in named]
    rows.append(["all", epoch_time(total), percent(1.0)])
    return section(
        "times",
        "Where the time went",
        beside(
            share_bars([(name, spent / total) for name, spent in named], best=0),
            table(["stage", "time", "share"], rows, left=1, last_is_all=True),
        ),
    )


def _settings(report: RunReport) -> str:
    config = report.run.config
    settings = [
        [f"{group}.{name}", setting_text(value)]
        for group, values in settings_of(report.run).to_json().items()
        for name, value in values.items()
    ]
    ran = [
        ["run folder written by varlen", str(config.get("varlen", "(unknown)"))],
        ["data", str(config.get("data", "(unknown)"))],
        *([name, setting_text(value)] for name, value in config.get("environment", {}).items()),
    ]
    return section(
        "settings",
        "How it was made",
        beside(
            titled("settings", table([], settings, left=2)),
            titled("environment", table([], ran, left=2)),
        ),
    )
