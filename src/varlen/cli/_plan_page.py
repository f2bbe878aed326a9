"""A plan as one page that needs nothing else: light or dark, on a desk or on a telephone."""

from varlen.cli._drawing import length_bars, share_bars
from varlen.cli._page import page, paragraph, table, text
from varlen.cli._plan_report import (
    Report,
    bucket_table,
    epoch_time,
    limits,
    notes,
    paddings,
    probe_table,
)


def plan_page(report: Report) -> str:
    """The page, as HTML."""
    lengths = report.lengths
    parts = [
        f"<h1>Batches of an epoch, by {text(report.feature)}</h1>",
        paragraph(f"{len(lengths):,} records, {int(lengths.sum()):,} steps; {limits(report)}"),
        *map(paragraph, notes(report)),
    ]
    if compared := paddings(report):
        parts += ["<h2>Padding</h2>", share_bars(compared)]
    if len(lengths):
        parts += ["<h2>Lengths</h2>", length_bars(lengths)]
    header, rows = bucket_table(report)
    if rows:
        parts += ["<h2>Buckets</h2>", table(header, rows, last_is_all=True)]
    if report.probe is not None:
        parts += [
            "<h2>A step</h2>",
            paragraph(
                f"{report.probe.model}, forward and backward; an epoch takes "
                f"{epoch_time(report.probe.epoch_seconds)}"
            ),
            table(*probe_table(report.probe)),
        ]
    return page("varlen plan", parts)
