"""`varlen plan`: the batches that an epoch would have."""

from pathlib import Path
from typing import Annotated

import typer

from varlen.errors import ConfigError

_NUM_BUCKETS = 8


def plan(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Uncompressed record files, or patterns.")
    ],
    feature: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The feature whose steps are lengths. [default: the indexed one, or the longest]",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N examples in a batch.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N real steps.")
    ] = None,
    max_padded_steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N steps with padding.")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N bytes of records.")
    ] = None,
    buckets: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help=f"Buckets by length. [default: {_NUM_BUCKETS}; none in windows]",
        ),
    ] = None,
    windows: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Sort windows of N batches, instead of buckets."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random order.")] = 0,
    ranks: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes that share the batches.")
    ] = 1,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Time a layer on a few of the batches, and tell its memory."),
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Also write a page; a new file.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Also write a picture; a new file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print which batches an epoch would have, and how much of them would be padding.

    At least one limit says when a batch is full: --batch-size, --max-steps, --max-padded-steps or
    --max-bytes. A record that exceeds a limit alone is a batch of its own.

    Lengths are those of the indexes beside the files; without, every file is read for them. The
    padding is compared with batches of equally many records as they come. --probe runs
    varlen.LSTM(64, 256) forward and backward on this machine, and says what a step and an epoch
    take.
    """
    from varlen.cli._plan_lengths import planned_lengths
    from varlen.cli._plan_report import Report, print_json, print_report
    from varlen.cli._whole import check_file, whole_file

    if buckets is not None and windows is not None:
        raise ConfigError("expected --buckets or --windows, found both")
    if all(limit is None for limit in (batch_size, max_steps, max_padded_steps, max_bytes)):
        raise ConfigError(
            "expected --batch-size, --max-steps, --max-padded-steps or --max-bytes, found none",
            hint="--max-steps 4096 is a beginning",
        )
    for path in filter(None, (html, png)):
        check_file(path, overwrite=None)
        if not path.parent.is_dir():
            raise ConfigError("no such directory to write into", at=str(path.parent))
    if png is not None:
        from varlen.cli._plan_picture import require_matplotlib

        require_matplotlib()

    lengths = planned_lengths(files, feature)

    from varlen.data.plan import BatchLimits, BatchPlan

    limits = BatchLimits(
        batch_size,
        max_steps=max_steps,
        max_padded_steps=max_padded_steps,
        max_bytes=max_bytes,
        oversize="alone",
    )
    num_buckets = _NUM_BUCKETS if buckets is None and windows is None else buckets
    chosen = BatchPlan(
        limits,
        buckets=num_buckets,
        windows=windows,
        feature=lengths.feature,
        seed=seed,
        num_ranks=ranks,
    )
    planned = chosen.over({lengths.feature: lengths.steps}, num_bytes=lengths.num_bytes)
    timed = None
    if probe and len(planned.batches(0)):
        from varlen.cli._plan_probe import probe_batches

        timed = probe_batches(planned)
    report = Report(len(lengths.paths), planned, planned.summary(0), timed)
    if html is not None:
        from varlen.cli._plan_page import plan_page

        with whole_file(html) as beside:
            beside.write_text(plan_page(report), encoding="utf-8")
    if png is not None:
        from varlen.cli._plan_picture import draw_picture

        with whole_file(png) as beside:
            draw_picture(report, beside)
    if as_json:
        print_json(report)
    else:
        print_report(report)
