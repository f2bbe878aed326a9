"""Runs beside each other: a table for people, a page, or JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from varlen.cli._compared import ComparedRun, settings_that_differ
from varlen.cli._drawing import Line, curves
from varlen.cli._evaluation_tables import NO_RANGES, NOTHING, best_at, spread
from varlen.cli._page import beside, page, paragraph, section, titled
from varlen.cli._page import table as html_table
from varlen.cli._plan_report import epoch_time
from varlen.cli._shared import setting_text, shown
from varlen.cli._text import printable, table, terminal_width, width_of
from varlen.train import Metric

_MOST_COLUMNS = 3  # of runs; more of them are below each other


def print_comparison(runs: Sequence[ComparedRun]) -> None:
    """Prints runs for people: a column for each, or if they are many, a row.

    On a terminal that is too narrow for the rows, columns stand in several tables.
    """
    header, *rows = [[printable(cell) for cell in row] for row in _cells(runs)]
    width = terminal_width()
    lines = table(header, rows, left=1, width=None)
    if width is None or max(map(width_of, lines)) <= width:
        print("\n".join(lines))
    else:
        by_run = [header, *rows] if len(runs) > _MOST_COLUMNS else _turned([header, *rows])
        print("\n\n".join(_tables_within(by_run, width)))
    if note := _note(runs):
        print(f"\n{note}")


def compare_page(runs: Sequence[ComparedRun]) -> str:
    """The same as a page, with curves."""
    header, *rows = _cells(runs)
    drawings = [
        titled(f"{run.name}: {metric.name}", _curve(run, metric))
        for run in runs
        if run.rows
        for metric in run.metrics[:1]
    ]
    parts = [
        "<h1>Runs beside each other</h1>",
        html_table(header, rows, left=1),
        paragraph(_note(runs)),
        section("curves", "Curves", beside(*drawings)),
    ]
    return page("varlen compare", parts)


def comparison_json(runs: Sequence[ComparedRun]) -> dict[str, Any]:
    """The same as JSON data."""
    differing = settings_that_differ(runs)
    return {
        "runs": [
            {
                "run": run.name,
                "task": run.task,
                "settings": {name: run.settings.get(name) for name in differing},
                "parameters": run.config.get("parameters"),
                "epochs": len(run.rows),
                "best": run.best,
                "seconds": run.seconds,
                "live_steps_per_second": run.steps_per_second,
                "split": run.split,
                "metrics": _evaluated_json(run, runs[0]),
            }
            for run in runs
        ]
    }


def _evaluated_json(run: ComparedRun, first: ComparedRun) -> dict[str, Any] | None:
    found = run.evaluation
    if found is None:
        return None
    differences = {metric.name: run.above(first, metric) for metric in found.metrics}
    return {
        metric.name: {
            "value": found.value(metric),
            "interval": found.interval(metric),
            "best_at": found.aims.get(metric.name),
            "above_first": (above := differences[metric.name]) and above._asdict(),
        }
        for metric in found.metrics
    }


def _cells(runs: Sequence[ComparedRun]) -> list[list[str]]:
    """A table, its header first."""
    facts = [_facts(run, runs) for run in runs]
    names = list(dict.fromkeys(name for found in facts for name in found))
    by_run = [["run", *names]] + [
        [run.name, *(found.get(name, NOTHING) for name in names)]
        for run, found in zip(runs, facts, strict=True)
    ]
    return by_run if len(runs) > _MOST_COLUMNS else _turned(by_run)


def _turned(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _tables_within(by_run: Sequence[Sequence[str]], width: int) -> list[str]:
    """Tables of a column for each run, of as many runs as there is room for, and of one at least.

    Args:
        by_run: a header, and a row for each run.
        width: of the terminal.
    """
    names, *runs = by_run
    tables = []
    while runs:
        for count in range(len(runs), 0, -1):
            header, *rows = _turned([names, *runs[:count]])
            lines = table(header, rows, left=1, width=None if count > 1 else width)
            if count == 1 or max(map(width_of, lines)) <= width:
                break
        tables.append("\n".join(lines))
        runs = runs[count:]
    return tables


def _facts(run: ComparedRun, runs: Sequence[ComparedRun]) -> dict[str, str]:
    """What is said of a run."""
    best, parameters = run.best, run.config.get("parameters")
    facts = {"task": run.task} if len({other.task for other in runs}) > 1 else {}
    settings = run.settings
    for name in settings_that_differ(runs):
        facts[name] = setting_text(settings[name]) if name in settings else NOTHING
    facts["parameters"] = NOTHING if parameters is None else f"{parameters:,}"
    facts["epochs"] = f"{len(run.rows):,}"
    metrics = _with_loss(run.metrics)
    if best is not None:
        facts["best epoch"] = f"{best['epoch']:,}"
        for metric in metrics:
            facts[f"valid {_named(metric, run.aims)}"] = shown(metric, best[f"valid_{metric.name}"])
    if run.evaluation is not None:
        for metric in metrics:
            facts |= _evaluated(run, runs[0], metric)
    if run.rows:
        facts["training"] = epoch_time(run.seconds)
        facts["steps/s"] = f"{run.steps_per_second:,.0f}"
    return facts


def _evaluated(run: ComparedRun, first: ComparedRun, metric: Metric) -> dict[str, str]:
    assert run.evaluation is not None
    interval, above = run.evaluation.interval(metric), run.above(first, metric)
    name = f"{run.split} {_named(metric, run.aims)}"
    found = {name: shown(metric, run.evaluation.value(metric))}
    if interval is not None:
        found[f"{name}, range"] = spread(metric, interval)
    if above is not None:
        verdict = {True: ", better", False: ", worse", None: ""}[above.is_better]
        found[f"{name}, above the first"] = f"{_signed(metric, above.value)}{verdict}"
        if above.interval is not None:
            ends = (_signed(metric, end) for end in above.interval)
            found[f"{name}, range of that"] = " to ".join(ends)
    return found


def _named(metric: Metric, aims: Mapping[str, float]) -> str:
    best = best_at(metric, aims)
    return f"{metric.name} ({best})" if best else metric.name


def _signed(metric: Metric, value: float) -> str:
    """A difference; that of two shares is no share of anything."""
    return f"{100 * value:+.2f} points" if metric.is_share else f"{value:+.4f}"


def _with_loss(metrics: Sequence[Metric]) -> list[Metric]:
    others = [metric for metric in metrics if metric.name != "loss"]
    return [*others, Metric("loss", False)]


def _note(runs: Sequence[ComparedRun]) -> str:
    """What is to be known of the table."""
    first, *others = runs
    if first.evaluation is None:
        return ""
    notes = []
    if not any(run.above(first, run.metrics[0]) for run in others):
        notes.append(
            "no differences: the runs are of other tasks, or were evaluated on other sequences"
        )
    if all(run.evaluation is None or len(run.evaluation.lengths) < 2 for run in runs):
        notes.append(NO_RANGES)
    return "\n".join(notes)


def _curve(run: ComparedRun, metric: Metric) -> str:
    lines = [
        Line(split, kind, [(row["step"], row[f"{split}_{metric.name}"]) for row in run.rows])
        for split, kind in (("train", "plain"), ("valid", "bar"))
    ]
    best = run.best
    return curves(lines, is_share=metric.is_share, mark=best["step"] if best else None)
