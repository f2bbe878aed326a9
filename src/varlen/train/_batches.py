"""Batches of examples of like length, as a pipeline that can say where it is."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from varlen.data import (
    Batch,
    BatchLimits,
    BucketBySequenceLength,
    LimitLength,
    Map,
    Parse,
    Pipeline,
    PipelinePass,
    Prefetch,
    Shuffle,
    Stage,
)
from varlen.sequences import JaggedSequence
from varlen.train._dataset import Dataset

_SHUFFLE_WINDOW = 10_000
_SHUFFLE_BYTES = 2**26
_PREFETCHED = 4
# With fewer batches than this per bucket, most of them would stay half full.
_BATCHES_PER_BUCKET = 4
_WIDEST = 7 / 6


@runtime_checkable
class Batches(Protocol):
    """A pass over batches, to be made; a `Pipeline` is one."""

    def __iter__(self) -> PipelinePass: ...

    def for_rank(self, rank: int, num_ranks: int) -> "Batches":
        """The share of one of several processes that make equally many steps."""


def bucketed_batches(
    data: Dataset,
    split: str,
    *,
    context: Mapping[str, Any] | None = None,
    sequences: Mapping[str, Any],
    encode: Callable[[dict[str, Any]], dict[str, Any]],
    length_of: str,
    batch_size: int,
    max_steps: int,
    by_steps: bool = False,
    limit: LimitLength | None = None,
    shuffle_seed: int | None,
) -> Batches:
    """A pass over a split: tensors, and `JaggedSequence`s of tensors, without padding.

    Examples are encoded one by one, and then brought together.

    Args:
        data: has the split.
        split: its name.
        context: specifications of context features.
        sequences: specifications of feature lists.
        encode: makes numbers of a parsed example.
        length_of: the feature list by whose length examples are brought together.
        batch_size: examples in a batch.
        max_steps: live steps in a batch, at most; a longer sequence is alone.
        by_steps: whether batches have about as many live steps, those of `batch_size` examples of
            mean length, instead of as many examples. This suits losses that are means over steps.
        limit: cuts what is encoded into pieces, where it is too long.
        shuffle_seed: of the order; None leaves it as it is.
    """
    lengths = data.lengths(split, length_of)
    if limit is not None:
        lengths = _piece_lengths(lengths, limit.max_length)
    return pass_over(
        data,
        split,
        *shuffling(data, split, shuffle_seed),
        Parse(context, sequences),
        Map(encode),
        *([] if limit is None else [limit]),
        batching(data, length_of, lengths, batch_size, max_steps=max_steps, by_steps=by_steps),
    )


def pass_over(data: Dataset, split: str, *stages: Stage) -> Batches:
    """A pass over a split through stages that end with batches, which become tensors."""
    source, first = data.source(split)
    return Pipeline(source, *first, *stages, Map(as_tensors), Prefetch(_PREFETCHED))


def batching(
    data: Dataset,
    length_of: str,
    lengths: npt.NDArray[np.int64],
    batch_size: int,
    *,
    max_steps: int,
    by_steps: bool = False,
) -> Stage:
    """The stage that makes batches: of examples as they come if that is what the data asks for, or
    else of examples of like length, as `length_buckets` has it."""
    if data.in_order:
        budget = {length_of: max_steps}
        return Batch(BatchLimits(batch_size, max_steps=budget, oversize="alone"))
    boundaries, sizes = length_buckets(lengths, batch_size, max_steps=max_steps, by_steps=by_steps)
    return BucketBySequenceLength(length_of, boundaries, sizes)


def shuffling(data: Dataset, split: str, seed: int | None) -> list[Stage]:
    """The stage that shuffles records; none without a seed."""
    return [] if seed is None else [Shuffle(shuffle_window(data, split), seed)]


def shuffle_window(data: Dataset, split: str) -> int:
    """How many records are shuffled at once: so many as fit into 64 MiB."""
    mean_bytes = data.num_bytes(split) / data.num_records(split)
    return max(1, min(_SHUFFLE_WINDOW, int(_SHUFFLE_BYTES / mean_bytes)))


def epoch_seed(seed: int, split: str, epoch: int) -> int | None:
    """The seed of the order of an epoch of the training split, from 1; None for all others."""
    return seed + epoch * 2**32 if split == "train" and epoch else None


def length_buckets(
    lengths: npt.NDArray[np.int64], batch_size: int, *, max_steps: int, by_steps: bool = False
) -> tuple[list[int], list[int]]:
    """Boundaries of buckets with a few batches each, and the batch size of each bucket.

    The lengths in a bucket differ by a sixth or less. It ends where both can be said of it, so
    that where sequences are few, buckets are wide.

    Args:
        lengths: of all sequences, not all of them 0.
        batch_size: sequences in a batch.
        max_steps: steps in a batch of more than one sequence, at most.
        by_steps: whether these are of mean length, and longer ones fewer, with as many steps.
    """
    values, counts = np.unique(lengths, return_counts=True)
    sizes = np.full(len(values), batch_size)
    if by_steps:
        steps = batch_size * lengths.mean()
        sizes = np.rint(steps / np.maximum(values, 1)).astype(np.int64)
    sizes = np.maximum(1, np.minimum(sizes, max_steps // np.maximum(values, 1)))
    batches = counts / sizes
    left = np.cumsum(batches[::-1])[::-1]
    boundaries: list[int] = []
    bucket_sizes: list[int] = []
    begin = 0
    for i in range(1, len(values)):
        is_wide = values[i] >= values[begin] * _WIDEST or values[i] > values[begin] + 1
        enough = min(batches[begin:i].sum(), left[i]) >= _BATCHES_PER_BUCKET
        if is_wide and enough:
            boundaries.append(int(values[i]))
            bucket_sizes.append(int(sizes[i - 1]))
            begin = i
    last = int(sizes[-1])
    # Above the longest there is nothing, but a bucket must have a boundary.
    return [*boundaries, int(values[-1]) + 1], [*bucket_sizes, last, last]


def _piece_lengths(lengths: npt.NDArray[np.int64], longest: int) -> npt.NDArray[np.int64]:
    """The lengths of the pieces of sequences that are cut."""
    whole, rest = np.divmod(lengths, longest)
    return np.concatenate([np.full(whole.sum(), longest), rest[(rest > 0) | (lengths == 0)]])


def as_tensors(batch: dict[str, Any]) -> dict[str, Any]:
    """Tensors of arrays of numbers; anything else as it is."""
    return {name: _as_tensor(value) for name, value in batch.items()}


def to_device(batch: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """A batch with all tensors on a device."""
    return {name: _moved(value, device) for name, value in batch.items()}


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, JaggedSequence):
        return JaggedSequence(_moved(value.values, device), _moved(value.lengths, device))
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _as_tensor(value: Any) -> Any:
    if isinstance(value, JaggedSequence):
        return JaggedSequence(_as_tensor(value.values), _as_tensor(value.lengths))
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return torch.from_numpy(value)
    return value
