"""A bar over a pass, with as many figures beside it as there is room for."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tqdm import tqdm

from varlen.cli._lasting_stream import LastingStream

_LEAST_BAR = 3
_USUAL_WIDTH = 80  # where the terminal does not say


class Figure(NamedTuple):
    """A figure in full, and as short as may be."""

    full: str
    short: str


class TrainBar:
    """A bar in the last line of a terminal, whose width may change.

    Args:
        stream: the terminal.
        name: of the pass: "epoch 2/30".
        total: how many steps it has.
    """

    def __init__(self, stream: LastingStream, name: Figure, total: int) -> None:
        self._name = name
        self._total = max(total, 1)
        self._bar: tqdm[Any] = tqdm(
            total=self._total,
            bar_format=bar_line(name, (), _USUAL_WIDTH),
            dynamic_ncols=True,
            file=stream,
            leave=False,
        )

    def show(self, done: int, figures: Sequence[Figure]) -> None:
        """Draws it with so many steps done, and the figures, the most wanted first."""
        self._bar.n = min(done, self._total)  # beyond, it has no percentage
        self._bar.bar_format = bar_line(
            self._name, figures, self._bar.format_dict["ncols"] or _USUAL_WIDTH
        )
        self._bar.refresh()

    def clear(self) -> None:
        """Takes it away until it is drawn again."""
        self._bar.clear()

    def close(self) -> None:
        """Takes it away."""
        self._bar.close()


def bar_line(name: Figure, figures: Sequence[Figure], width: int) -> str:
    """The format of a line: all in full, or in short, or without a bar, the last ones left out."""
    full, short = ([figure[form] for figure in figures] for form in (0, 1))
    for texts in (full, short):
        if len(_line(f"{name.full} 100%|{_LEAST_BAR * '#'}|", texts)) <= width:
            return _line(f"{name.full} {{percentage:3.0f}}%|{{bar}}|", texts)
    while short and len(_line(f"{name.short} 100%", short)) > width:
        short.pop()
    return _line(f"{name.short} {{percentage:3.0f}}%", short)


def _line(begin: str, texts: Sequence[str]) -> str:
    return " ".join([begin, *filter(None, [", ".join(texts)])])
