"""What several commands need."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from varlen.train import Metric


class Interrupted(Exception):  # noqa: N818 - not an error
    """Ctrl-C, with what is left to say."""


def examples(*lines: str) -> str:
    """An epilogue of a help text, in which lines stay lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def shown(metric: "Metric", value: float) -> str:
    """The figure of a metric for people."""
    return percent(value) if metric.is_share else f"{value:.4f}"


def counted(number: int, noun: str) -> str:
    """A number of things for people: `1 epoch`, `1,200 epochs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share for people: 0.9312 is `93.12 %`."""
    return f"{100 * share:.2f} %"


def setting_text(value: Any) -> str:
    """The value of a setting for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "—"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return "—" if value is None else str(value)
