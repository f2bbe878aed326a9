"""`varlen evaluate`: how good a trained model is, in all, class by class, and by length."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from varlen.cli._reading_options import ContextColumns, DataToJudge, GroupBy, SplitBy, WordKeys
from varlen.cli._shared import percent, shown
from varlen.cli._text import printable, table, terminal_width

if TYPE_CHECKING:
    from varlen.cli._evaluation_tables import Table


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    data: DataToJudge = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The split to look at. [default: test, or valid without one]"
        ),
    ] = None,
    split_by: SplitBy = None,
    group_by: GroupBy = None,
    context: ContextColumns = None,
    words: WordKeys = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Print how good a trained model is on a split.

    Each figure has a range: where it would lie, 95 times in 100, with other sequences of the same
    kind (a bootstrap over sequences, of which there must be two). Then come tables by length and
    by class. Files whose names say no split are those of the split that is looked at.
    """
    from varlen.cli._evaluation_tables import (
        NO_RANGES,
        best_at,
        frequent_classes,
        length_table,
        span_table,
        spread,
    )
    from varlen.cli._judging import judge
    from varlen.cli._reading import Reading
    from varlen.train import RunFolder

    reading = Reading.of(split_by, group_by, context, words)
    splits = ["test", "valid"] if split is None else [split]
    task, judged, found, _ = judge(RunFolder.open(run), data, splits, reading)
    if as_json:
        print(json.dumps({"split": judged, **_as_json(found)}, indent=2))
        return
    if found.class_names:
        _print_table(*frequent_classes(found, task.class_kind))
    spans = span_table(found)
    if spans[1]:
        _print_table(spans)
    _print_table(length_table(found, task.metrics[0]))
    print(f"{'split':16}{judged}")
    for metric in found.metrics:
        ends = spread(metric, found.interval(metric))
        best = best_at(metric, found.aims)
        print(
            f"{metric.name:16}{shown(metric, found.value(metric))}  "
            f"{f'({ends})  ' if ends else ''}"
            f"of {found.whole(metric):,} {metric.counted or task.counted}"
            f"{f'; {best}' if best else ''}"
        )
    if found.calibration is not None:
        print(
            f"{'calibration':16}{percent(found.calibration.error)}  "
            "off, how often it is right from how sure it is"
        )
    for name, correct, total in found.groups:
        if total:
            print(
                f"{name:16}{percent(correct / total)}  of {total:,} "
                "that training never saw, whatever their capitals"
            )
    if len(found.lengths) < 2:
        print(f"\n{NO_RANGES}")


def _print_table(found: "Table", note: str = "") -> None:
    header, rows = found
    printed = [[printable(cell) for cell in row] for row in rows]
    print("\n".join(table(header, printed, left=1, width=terminal_width())))
    print(f"{note}\n" if note else "")


def _as_json(found: Any) -> dict[str, Any]:
    figures = {}
    for metric in found.metrics:
        figures[metric.name] = {
            "value": found.value(metric),
            "interval": found.interval(metric),
            "best_at": found.aims.get(metric.name),
            "count": found.whole(metric),
        }
    return {
        "metrics": figures,
        "by_length": [row._asdict() for row in found.by_length(found.metrics[0])],
        "by_class": [row._asdict() for row in found.by_class()],
        "by_span": [row._asdict() for row in found.by_span()],
        "groups": [row._asdict() for row in found.groups],
        "calibration_error": found.calibration and found.calibration.error,
    }
