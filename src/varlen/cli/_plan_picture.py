"""A plan as a picture, drawn by matplotlib."""

from importlib.util import find_spec
from pathlib import Path

from varlen.cli._histogram import histogram
from varlen.cli._plan_report import Report, limits, paddings
from varlen.errors import ConfigError

_BLUE, _GREY = "#3b6fd4", "#b3bccb"


def require_matplotlib() -> None:
    """Says, before any work, that a picture cannot be drawn.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(
            "--png: matplotlib is not installed",
            hint="pip install 'varlen[plot]', or write a page with --html",
        )


def draw_picture(report: Report, path: Path) -> None:
    """Writes a PNG picture: padding beside naive batches, and the lengths with the boundaries."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), dpi=120, layout="constrained")
    figure.suptitle(f"Batches of an epoch, by {report.feature}: {limits(report)}")
    above, below = figure.subplots(2, 1, height_ratios=[1, 2])
    compared = paddings(report)[::-1]
    shares = [100 * share for _, share in compared]
    colors = [_BLUE, *[_GREY] * len(compared)][: len(compared)]
    drawn = above.barh([label for label, _ in compared], shares, color=colors)
    above.bar_label(drawn, [f"{share:.1f} %" for share in shares], padding=3)
    above.set_xlabel("padding, % of the steps of a batch")
    above.margins(x=0.12)
    bins = histogram(report.lengths)
    width = bins[0].most - bins[0].least + 1 if bins else 1
    below.bar(
        [b.least for b in bins],
        [b.num_records for b in bins],
        width=0.92 * width,
        align="edge",
        color=_BLUE,
    )
    if bins:
        below.set_xlim(bins[0].least, bins[-1].least + width)
        if bins[-1].most >= bins[-1].least + width:
            below.set_xlabel(f"steps; the last bar has all up to {bins[-1].most:,}")
        else:
            below.set_xlabel("steps")
    for boundary in report.boundaries:
        if bins and boundary < bins[-1].least + width:
            below.axvline(boundary, color=_GREY, linestyle="--", linewidth=1)
    below.set_ylabel("records")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="png")
