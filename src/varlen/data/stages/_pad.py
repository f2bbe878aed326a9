"""`Pad`: sequences into blocks, arrays into tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch

from varlen.data._stack import Array, default_padding, is_padding_for
from varlen.data._stage import EachIterator, StageIterator
from varlen.errors import did_you_mean
from varlen.sequences import JaggedSequence, PaddedSequence, SparseValues, pad


@dataclass(frozen=True)
class Pad:
    """Pads the sequences of a batch to the longest of them, and makes tensors of all numbers.

    Every JaggedSequence becomes a PaddedSequence. Strings stay arrays of objects, since there are
    no tensors of them.

    Args:
        padding_values: what to pad with, by feature; otherwise 0, False or the empty string.

    Raises:
        TypeError: while iterating; a padding value of another type than the feature.
        ValueError: while iterating; a padding value for a feature that is no sequence of the
            batch.
    """

    padding_values: Mapping[str, Any] = field(default_factory=dict)
    one_to_one: ClassVar[bool] = True

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, self._pad)

    def _pad(self, batch: Any) -> dict[str, Any]:
        if not isinstance(batch, Mapping):
            raise TypeError(f"Pad: expected a batch, a dict, found {type(batch).__name__}")
        sequences = [n for n, value in batch.items() if isinstance(value, JaggedSequence)]
        for name in self.padding_values:
            if name not in sequences:
                raise ValueError(
                    f"Pad: padding_values: no sequence named {name!r} in the batch; "
                    f"{did_you_mean(name, sequences)}"
                )
        return {name: self._pad_value(name, value) for name, value in batch.items()}

    def _pad_value(self, name: str, value: Any) -> Any:
        if isinstance(value, JaggedSequence):
            block = pad(value, padding_value=self._padding_value(name, np.asarray(value.values)))
            return PaddedSequence(*map(_as_tensor, block))
        if isinstance(value, PaddedSequence | SparseValues):
            return type(value)(*map(_as_tensor, value))
        return _as_tensor(value)

    def _padding_value(self, name: str, values: Array) -> Any:
        if name not in self.padding_values:
            return default_padding(values.dtype, [values])
        value = self.padding_values[name]
        if not is_padding_for(value, values.dtype):
            raise TypeError(
                f"Pad: padding_values[{name!r}]: expected a value of {values.dtype}, "
                f"found {value!r}"
            )
        return value


def _as_tensor(value: Any) -> Any:
    """A tensor of an array of numbers; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return torch.from_numpy(value)
    return value
