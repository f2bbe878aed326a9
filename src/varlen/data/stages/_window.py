"""`Window`: overlapping parts of long sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from varlen.data._cut import cut, joint_length, sequence_names
from varlen.data._stage import StageIterator
from varlen.data.stages._pieces import PiecesIterator
from varlen.errors import check_integer


@dataclass(frozen=True)
class Window:
    """Makes an example of every window of `size` steps of an example's sequences.

    Windows begin every `stride` steps, and end with the first that reaches the end, which may be
    shorter; a sequence that is not longer than a window is one. So every step is in a window. All
    sequences of an example are cut together; its other features are in each of its windows.

    Args:
        size: the steps of a window.
        stride: from where one begins to where the next does; None for `size`, without overlap.
        drop_remainder: leave out the windows that are shorter.

    Raises:
        TypeError: sizes that are not integers; while iterating, what is no example.
        ValueError: a size or stride below 1, or a stride above the size, which would leave steps
            out; while iterating, an example without a sequence or with sequences of unequal length.
    """

    size: int
    stride: int | None = None
    drop_remainder: bool = False

    def __post_init__(self) -> None:
        check_integer(self.size, "Window: size", at_least=1)
        if self.stride is None:
            return
        check_integer(self.stride, "Window: stride", at_least=1)
        if self.stride > self.size:
            raise ValueError(
                f"Window: stride: expected at most the size, {self.size}, as steps in between "
                f"would be left out, found {self.stride}"
            )

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return PiecesIterator(upstream, self._windows)

    def _windows(self, example: Any) -> Sequence[dict[str, Any]]:
        names = sequence_names(example, "Window")
        length = joint_length(example, names, "Window")
        stride = self.stride or self.size
        begins = range(0, max(length - self.size, 0) + stride, stride)
        windows = [cut(example, names, begin, begin + self.size) for begin in begins]
        if self.drop_remainder and begins[-1] + self.size > length:
            windows.pop()
        return windows
