"""What a sequence is: data and lengths. Needs no torch; the fields may be arrays or tensors."""

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt


class PaddedSequence(NamedTuple):
    """Sequences of unequal length side by side in one block.

    Attributes:
        data: `[batch, time, ...]`; what stands at or past a row's length means nothing.
        lengths: `[batch]`, int64.
    """

    data: Any
    lengths: Any


class JaggedSequence(NamedTuple):
    """Sequences of unequal length one after the other, without padding.

    Attributes:
        values: `[sum(lengths), ...]`, the rows in order.
        lengths: `[batch]`, int64; a scalar for a single sequence that is in no batch yet.
    """

    values: Any
    lengths: Any


class SparseValues(NamedTuple):
    """Values at positions, as TensorFlow's SparseTensor.

    Attributes:
        indices: `[values, rank]`, int64, in row-major order.
        values: `[values]`.
        dense_shape: `[rank]`, int64.
    """

    indices: Any
    values: Any
    dense_shape: Any


class RaggedValues(NamedTuple):
    """Values in rows of unequal length, which may be rows of rows, as TensorFlow's RaggedTensor.

    Attributes:
        flat_values: `[values, ...]`.
        row_splits: one array for each ragged dimension, outermost first. Row i of a dimension is
            `[splits[i], splits[i + 1])` of the rows of the next one, and of the last one of the
            values.
    """

    flat_values: Any
    row_splits: tuple[Any, ...]


def check_lengths(
    lengths: Any, num_rows: int, num_steps: int | None = None, *, argument: str = "lengths"
) -> npt.NDArray[np.int64]:
    """Takes lengths in any form and returns them as int64 on the host, or says what is wrong.

    Args:
        lengths: `[num_rows]`; a list, array or tensor (on any device) of any integer type.
        num_rows: how many rows there are to have a length.
        num_steps: the most steps a row can have; None for no bound.
        argument: what the caller's user knows the argument as.

    Raises:
        TypeError: the values are not integers.
        ValueError: not one length per row, or one is below 0 or above `num_steps`.
    """
    found = _of_tensor(lengths) if hasattr(lengths, "detach") else np.asarray(lengths)
    if found.shape != (num_rows,):
        raise ValueError(
            f"{argument}: expected one length per row, shape ({num_rows},), "
            f"found shape {found.shape}"
        )
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"{argument}: expected integers, found {found.dtype}")
    checked: npt.NDArray[np.int64] = found.astype(np.int64)
    # Of a negative number the bits are those of a huge one, so one look at the largest is enough.
    most = checked.view(np.uint64).max(initial=0)
    if most > (np.iinfo(np.int64).max if num_steps is None else num_steps):
        bad = checked < 0 if num_steps is None else (checked < 0) | (checked > num_steps)
        row = int(np.flatnonzero(bad)[0])
        bound = "at least 0" if num_steps is None else f"from 0 to {num_steps}, the number of steps"
        raise ValueError(f"{argument}: expected a length {bound}, found {found[row]} in row {row}")
    return checked


def _of_tensor(lengths: Any) -> npt.NDArray[Any]:
    try:
        found: npt.NDArray[Any] = lengths.numpy(force=True)
    except RuntimeError:  # under torch.func.grad and its kin, tensors have no memory to share
        found = np.asarray(lengths.tolist())
    return found


def live_steps(lengths: npt.NDArray[np.int64], num_steps: int) -> npt.NDArray[np.bool_]:
    """The mask `[batch, num_steps]` that is True on real steps."""
    live: npt.NDArray[np.bool_] = np.arange(num_steps) < lengths[:, None]
    return live


def pad(
    jagged: JaggedSequence,
    *,
    padding_value: Any = 0,
    side: Literal["right", "left"] = "right",
    multiple_of: int = 1,
) -> PaddedSequence:
    """Puts jagged NumPy rows into a block as long as the longest of them.

    The block has the dtype of `jagged.values`, and `padding_value` past each row's length
    (for an object array of bytes, give `b""`). With side "left" the padding comes before the steps
    of a row, which then are its last ones; everything else in this library expects "right". The
    number of steps is the next multiple of `multiple_of`.
    """
    values, lengths = np.asarray(jagged.values), np.asarray(jagged.lengths)
    num_steps = -(-int(lengths.max(initial=0)) // multiple_of) * multiple_of
    data = np.empty((len(lengths), num_steps, *values.shape[1:]), values.dtype)
    data.fill(padding_value)  # np.full would take zeros off the end of bytes
    live = live_steps(lengths, num_steps)
    data[live if side == "right" else live[:, ::-1]] = values
    return PaddedSequence(data, lengths)


def unpad(padded: PaddedSequence) -> JaggedSequence:
    """Takes the real steps out of a padded NumPy block. The inverse of `pad`."""
    data = np.asarray(padded.data)
    lengths = check_lengths(padded.lengths, len(data), data.shape[1])
    return JaggedSequence(data[live_steps(lengths, data.shape[1])], lengths)
