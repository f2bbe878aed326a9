"""`ToDevice`: batches to where the model is."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from varlen.data._stage import EachIterator, StageIterator
from varlen.data._tensors import map_tensors


@dataclass(frozen=True)
class ToDevice:
    """Moves every tensor of a batch to a device.

    Also those in PaddedSequence, JaggedSequence, SparseValues, PackedSequence and nested tensors.
    To a CUDA device they go from pinned memory and without waiting: what the device is told to do
    with them comes after they have arrived. Put `Prefetch` behind it, so that a batch is on its way
    while the model works on another. Arrays, as those of strings, stay where they are.

    Args:
        device: a name as "cuda:0", or a `torch.device`.

    Raises:
        RuntimeError: not the name of a device; while iterating, a device that is not there.
        TypeError: while iterating; an item without a tensor.
    """

    # A device, as a name would be part of the state, which any device may load.
    device: str | torch.device
    one_to_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", torch.device(self.device))

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, self._move)

    def _move(self, batch: Any) -> Any:
        device, num_moved = torch.device(self.device), 0

        def move(tensor: Tensor) -> Tensor:
            nonlocal num_moved
            num_moved += 1
            if device.type == "cuda" and tensor.device.type == "cpu":
                return tensor.pin_memory().to(device, non_blocking=True)
            return tensor.to(device)

        moved = map_tensors(move, batch)
        if not num_moved:
            raise TypeError(
                f"ToDevice: expected a batch with tensors, found a {type(batch).__name__} without\n"
                "  put Pad, Jagged, Pack or Nest before it, which make tensors of arrays"
            )
        return moved
