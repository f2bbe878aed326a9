"""A plan, printed for people or for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.cli._histogram import bars, draw, histogram
from varlen.cli._inspect_report import is_unicode
from varlen.cli._shared import percent
from varlen.cli._text import between, printable, table, terminal_width
from varlen.data.plan import BatchesSummary, EpochSummary, PlannedBatches

if TYPE_CHECKING:  # a layer, and so torch's, which takes long to import
    from varlen.cli._plan_probe import Probe

_PIPE_WIDTH = 80


class Report(NamedTuple):
    """What is to be said of a plan.

    Attributes:
        num_files: that were read.
        planned: the batches.
        summary: of the first epoch.
        probe: what steps take; None if it was not asked for.
    """

    num_files: int
    planned: PlannedBatches
    summary: EpochSummary
    probe: "Probe | None"

    @property
    def feature(self) -> str:
        """The one that batches are formed by, printable."""
        return printable(self.planned.features[0])

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Of all records."""
        return self.planned.examples.lengths.steps[self.planned.features[0]]

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Of the buckets; none at all without."""
        buckets = self.planned.buckets
        return buckets if isinstance(buckets, tuple) else ()


def print_report(report: Report) -> None:
    """Prints a plan for people."""
    width = terminal_width()
    blocks = [
        _lengths_lines(report, width or _PIPE_WIDTH),
        list(_padding_lines(report, width or _PIPE_WIDTH)),
        _bucket_lines(report, width),
        list(_notes(report)),
        _probe_lines(report.probe, width) if report.probe else [],
    ]
    print("\n\n".join("\n".join(lines) for lines in blocks if lines))


def print_json(report: Report) -> None:
    """Prints a plan as a JSON object."""
    summary = report.summary
    described: dict[str, Any] = {
        "plan": report.planned.plan.describe(),
        "records": len(report.lengths),
        "boundaries": report.boundaries,
        "oversize": report.planned.counts["oversize"],
        "left_out": summary.num_left_out,
        "steps_of_each_rank": summary.num_steps,
        "batches": summary.all_batches and _described(summary.all_batches),
        "buckets": [_described(bucket) for bucket in summary.buckets],
        "naive": {
            "batch_size": summary.naive_size,
            "padding_in_file_order": summary.naive_file_order,
            "padding_in_random_order": summary.naive_random_order,
        },
        "histogram": [b._asdict() for b in histogram(report.lengths)],
        "probe": None,
    }
    if report.probe is not None:
        described["probe"] = {
            **report.probe._asdict(),
            "batches": [one._asdict() for one in report.probe.batches],
        }
    print(json.dumps(described, indent=2))


def paddings(report: Report) -> list[tuple[str, float]]:
    """The shares of padding that are compared, with what they are of; the last is the plan's."""
    summary = report.summary
    if summary.all_batches is None:
        return []
    size = f"{summary.naive_size:,} records"
    return [
        (f"batches of {size}, random order", summary.naive_random_order),
        (f"batches of {size}, file order", summary.naive_file_order),
        (f"this plan, {how(report)}", summary.all_batches.padding),
    ]


def how(report: Report) -> str:
    """How batches are formed, in a few words."""
    if report.planned.plan.windows is not None:
        return f"windows of {report.planned.plan.windows} batches"
    return f"{len(report.summary.buckets)} buckets"


def limits(report: Report) -> str:
    """What fills a batch."""
    given = report.planned.plan.batch_limits
    names = {
        "batch_size": "records",
        "max_steps": "steps",
        "max_padded_steps": "padded steps",
        "max_bytes": "bytes",
    }
    found = [(getattr(given, name), what) for name, what in names.items()]
    return ", ".join(f"at most {most:,} {what}" for most, what in found if most is not None)


def bucket_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of the table of buckets; the last row is of all batches."""
    header = ["lengths", "records", "batches", "batch size", "padding", "steps"]
    summary = report.summary
    rows = [_bucket_row(between(b.shortest[0], b.longest[0]), b) for b in summary.buckets]
    if summary.all_batches is not None:
        rows.append(_bucket_row("all", summary.all_batches))
    return header, rows


def probe_table(probe: "Probe") -> tuple[list[str], list[list[str]]]:
    """The header and the rows of the table of batches that were run."""
    rows = [
        [
            f"{one.real_steps:,}",
            f"{one.padded_steps:,}",
            f"{one.num_examples:,}",
            f"{1000 * one.seconds:,.1f} ms",
            f"{one.num_bytes / 2**20:,.1f} MiB",
        ]
        for one in probe.batches
    ]
    return ["steps", "padded", "batch size", "time", "memory"], rows


def epoch_time(seconds: float) -> str:
    """Some seconds, for people."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def notes(report: Report) -> list[str]:
    """What else there is to say, in sentences."""
    return list(_notes(report))


def _lengths_lines(report: Report, width: int) -> list[str]:
    lengths = report.lengths
    files = f"{report.num_files:,} file{'s' * (report.num_files != 1)}"
    if not len(lengths):
        return [f"no record in {files}"]
    title = (
        f"steps of {report.feature}: {int(lengths.sum()):,} in {len(lengths):,} records "
        f"of {files}; mean {lengths.mean():.1f}, longest {int(lengths.max()):,}"
    )
    return [title, *draw(histogram(lengths), width, unicode=is_unicode())]


def _padding_lines(report: Report, width: int) -> Iterator[str]:
    compared = paddings(report)
    if compared:
        yield f"padding of an epoch, batches of {limits(report)}"
        labels = [label for label, _ in compared]
        shares = [share for _, share in compared]
        yield from bars(
            labels, [f"{100 * s:.2f} %" for s in shares], shares, width, unicode=is_unicode()
        )


def _bucket_lines(report: Report, width: int | None) -> list[str]:
    header, rows = bucket_table(report)
    return table(header, rows, left=0, width=width) if rows else []


def _notes(report: Report) -> Iterator[str]:
    summary = report.summary
    num_oversize = report.planned.counts["oversize"]
    if num_oversize:
        are = (
            "record is a batch of its own, for it exceeds"
            if num_oversize == 1
            else ("records are batches of their own, for they exceed")
        )
        yield f"{num_oversize:,} {are} a limit alone"
    num_ranks = report.planned.plan.num_ranks
    if num_ranks > 1:
        yield f"each of {num_ranks} ranks makes {summary.num_steps:,} steps"
    if summary.all_batches is not None and summary.buckets:
        boundaries = report.boundaries
        yield f"boundaries {', '.join(map(str, boundaries))}" if boundaries else "no boundaries"


def _probe_lines(probe: "Probe", width: int | None) -> list[str]:
    header, rows = probe_table(probe)
    return [
        f"a step of {probe.model}, forward and backward",
        *table(header, rows, left=0, width=width),
        f"an epoch {epoch_time(probe.epoch_seconds)}",
    ]


def _bucket_row(name: str, found: BatchesSummary) -> list[str]:
    return [
        name,
        f"{found.num_examples:,}",
        f"{found.num_batches:,}",
        between(found.smallest_batch, found.largest_batch),
        percent(found.padding),
        f"{found.real_steps:,}",
    ]


def _described(found: BatchesSummary) -> dict[str, Any]:
    fields = asdict(found)
    ends: Sequence[str] = ("shortest", "longest")
    return {
        **{name: value for name, value in fields.items() if name not in ends},
        **{name: fields[name][0] for name in ends},
        "padding": found.padding,
    }
