"""What a page about a run begins with: what it is, and the figures that matter most."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from varlen.cli._evaluation_tables import best_at, spread
from varlen.cli._judging import Judgement
from varlen.cli._page import paragraph, text, tiles
from varlen.cli._plan_report import epoch_time
from varlen.cli._shared import counted, percent, shown
from varlen.train import Metric, RunFolder, TrainingSettings, aims_of, settings_of, task_named


class RunReport(NamedTuple):
    """What a page is made of.

    Attributes:
        run: the run folder.
        rows: the figures of its epochs.
        judgement: of its model on a split; None if there is nothing to judge.
        missing: why there is not.
    """

    run: RunFolder
    rows: Sequence[Mapping[str, Any]]
    judgement: Judgement | None
    missing: str | None


def metrics_of(report: RunReport) -> tuple[Metric, ...]:
    """The metrics of its task."""
    return task_named(str(report.run.config["task"])).metrics


def aims_of_run(report: RunReport) -> dict[str, float]:
    """By metric, the value that is best, of those that can be too low and too high."""
    return aims_of(metrics_of(report), settings_of(report.run).task)


def head(report: RunReport) -> str:
    """The title, what is to be known, and the figures, as HTML."""
    run, rows = report.run, report.rows
    settings = settings_of(run)
    model, training = settings.model, settings.training
    ways = "both directions" if model.bidirectional else "one direction"
    parameters = run.config.get("parameters")
    what = [
        f"varlen train {run.config['task']}",
        f"{model.cell}, {model.units:,} units, {model.layers} deep, {ways}",
        *([] if parameters is None else [f"{parameters:,} parameters"]),
    ]
    lines = [paragraph("; ".join(what))]
    if not rows:
        lines.append(paragraph("No epoch is done yet.", "note"))
    elif _is_unfinished(rows, training):
        lines.append(
            paragraph(
                f"Epoch {rows[-1]['epoch']:,} of {training.epochs:,} is done; training goes on, "
                "was interrupted, or ended early.",
                "note",
            )
        )
    if report.missing is not None:
        lines.append(paragraph(f"Not evaluated: {report.missing}.", "note"))
    title = f"<h1>{text(run.path.resolve().name)}</h1>"
    return "\n".join([title, *lines, tiles([*_evaluated(report), *_trained(report)])])


def _is_unfinished(rows: Sequence[Mapping[str, Any]], training: TrainingSettings) -> bool:
    epoch, step = rows[-1]["epoch"], rows[-1]["step"]
    return bool(epoch < training.epochs and (training.steps is None or step < training.steps))


def _evaluated(report: RunReport) -> list[tuple[str, str, str]]:
    if report.judgement is None:
        return []
    task, split, found, _ = report.judgement
    figures = []
    for metric in found.metrics:
        about = [
            spread(metric, found.interval(metric)),
            best_at(metric, found.aims),
            f"{found.whole(metric):,} {metric.counted or task.counted}",
        ]
        figures.append(
            (
                f"{metric.name}, {split}",
                shown(metric, found.value(metric)),
                "; ".join(filter(None, about)),
            )
        )
    figures += [
        (f"{name}, {split}", percent(correct / total), f"of {total:,} that training never saw")
        for name, correct, total in found.groups
        if total
    ]
    return figures


def _trained(report: RunReport) -> list[tuple[str, str, str]]:
    best = next((row for row in reversed(report.rows) if row["best"]), None)
    if best is None:
        return []
    metric = metrics_of(report)[0]
    seconds = sum(row["seconds"] for row in report.rows)
    live = sum(row["live_steps"] for row in report.rows)
    is_shown = report.judgement is not None and report.judgement.split == "valid"
    value = shown(metric, best[f"valid_{metric.name}"])
    best_one = (f"{metric.name}, valid", value, f"the best, of epoch {best['epoch']:,}")
    return [
        *([] if is_shown else [best_one]),
        (
            "training",
            epoch_time(seconds),
            f"{counted(len(report.rows), 'epoch')}, "
            f"{counted(report.rows[-1]['step'], 'step')} of the optimizer",
        ),
        ("speed", f"{live / max(seconds, 1e-9):,.0f}", "live steps per second"),
    ]
