"""Inputs as chunks of frequencies that overlap."""

from torch import Tensor

from varlen.rnn._parameters import check_positive


def count_chunks(cell: str, width: int, feature_size: int, frequency_skip: int) -> int:
    """How many chunks of `feature_size`, each `frequency_skip` behind the other, lie in a width.

    Raises:
        TypeError, ValueError: sizes that are no ints of at least 1; a chunk wider than the whole.
    """
    check_positive(feature_size, argument=f"{cell}: feature_size")
    check_positive(frequency_skip, argument=f"{cell}: frequency_skip")
    if feature_size > width:
        raise ValueError(
            f"{cell}: feature_size: expected at most {width}, the width that is cut, "
            f"found {feature_size}"
        )
    return (width - feature_size) // frequency_skip + 1


def cut_chunks(
    inputs: Tensor, count: int, feature_size: int, frequency_skip: int, *, first: int = 0
) -> list[Tensor]:
    """`count` chunks `[batch, feature_size]`, from column `first` on."""
    starts = [first + number * frequency_skip for number in range(count)]
    return [inputs[:, start : start + feature_size] for start in starts]
