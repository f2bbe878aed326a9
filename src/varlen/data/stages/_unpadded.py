"""`Jagged`, `Pack` and `Nest`: batches of tensors without padding, in three forms."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from varlen.data._stage import EachIterator, StageIterator
from varlen.data._tensors import as_tensor, convert_sequences
from varlen.sequences import JaggedSequence, pad


@dataclass(frozen=True)
class Jagged:
    """Makes tensors of all numbers of a batch, and leaves its sequences as they are.

    Every JaggedSequence has tensors `values`, `[sum(lengths), ...]`, and `lengths`, `[batch]`,
    then; the values of strings stay arrays of objects.

    Raises:
        TypeError: while iterating; an item that is no batch.
    """

    one_to_one: ClassVar[bool] = True

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, lambda b: convert_sequences(b, "Jagged", _of_tensors))


@dataclass(frozen=True)
class Pack:
    """Makes a torch PackedSequence of every sequence of a batch, and tensors of all numbers.

    Rows keep their order: `pad_packed_sequence(packed, batch_first=True)` gives them back.
    Sequences of strings become those of `Jagged`.

    Raises:
        TypeError: while iterating; an item that is no batch.
        ValueError: while iterating; a sequence without steps, or a batch without rows, of which
            there is no PackedSequence.
    """

    one_to_one: ClassVar[bool] = True

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, lambda b: convert_sequences(b, "Pack", _packed))


@dataclass(frozen=True)
class Nest:
    """Makes a jagged nested tensor of every sequence of a batch, and tensors of all numbers.

    Each is `[batch, (length), ...]` with layout `torch.jagged`. Sequences of strings become those
    of `Jagged`.

    Raises:
        TypeError: while iterating; an item that is no batch.
    """

    one_to_one: ClassVar[bool] = True

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, lambda b: convert_sequences(b, "Nest", _nested))


def _of_tensors(_: str, jagged: JaggedSequence) -> JaggedSequence:
    return JaggedSequence(*(as_tensor(np.asarray(part)) for part in jagged))


def _packed(name: str, jagged: JaggedSequence) -> PackedSequence | JaggedSequence:
    tensors = _of_tensors(name, jagged)
    if not isinstance(tensors.values, Tensor):
        return tensors
    lengths = np.asarray(jagged.lengths)
    if not len(lengths) or not lengths.all():
        found = f"none in row {int(np.argmin(lengths))}" if len(lengths) else "no row"
        raise ValueError(
            f"Pack: feature {name!r}: expected a step at least in every row, as a PackedSequence "
            f"holds no empty ones, found {found}\n"
            "  leave such examples out with Filter, or take Pad, Jagged or Nest"
        )
    block = torch.from_numpy(pad(jagged).data)
    return pack_padded_sequence(block, tensors.lengths, batch_first=True, enforce_sorted=False)


def _nested(name: str, jagged: JaggedSequence) -> Any:
    tensors = _of_tensors(name, jagged)
    if not isinstance(tensors.values, Tensor):
        return tensors
    offsets = torch.nn.functional.pad(tensors.lengths.cumsum(0), (1, 0))
    return torch.nested.nested_tensor_from_jagged(tensors.values, offsets)
