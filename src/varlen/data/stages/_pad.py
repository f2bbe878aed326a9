"""`Pad`: sequences into blocks, arrays into tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from varlen.data._stack import Array, default_padding, is_padding_for
from varlen.data._stage import EachIterator, StageIterator
from varlen.data._tensors import as_tensor, convert_sequences
from varlen.errors import check_integer, did_you_mean
from varlen.sequences import JaggedSequence, PaddedSequence, pad


@dataclass(frozen=True)
class Pad:
    """Pads the sequences of a batch to the longest of them, and makes tensors of all numbers.

    Every JaggedSequence becomes a PaddedSequence. Strings stay arrays of objects, since there are
    no tensors of them.

    Args:
        padding_values: what to pad with, by feature; otherwise 0, False or the empty string.
        side: "right" pads behind the steps of a sequence. "left" pads before them, for models that
            read from the end; `lengths` still says how many steps there are, but this library's
            own networks, losses and metrics expect them on the left.
        multiple_of: the number of steps is the next multiple of this, for kernels that want it, or
            so that there are fewer shapes to compile for.

    Raises:
        TypeError: a multiple that is not an integer; while iterating, a padding value of another
            type than the feature.
        ValueError: a multiple below 1, or another side; while iterating, a padding value for a
            feature that is no sequence of the batch.
    """

    padding_values: Mapping[str, Any] = field(default_factory=dict)
    side: Literal["right", "left"] = "right"
    multiple_of: int = 1
    one_to_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.side not in ("right", "left"):
            raise ValueError(f"Pad: side: expected 'right' or 'left', found {self.side!r}")
        check_integer(self.multiple_of, "Pad: multiple_of", at_least=1)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, self._pad)

    def _pad(self, batch: Any) -> dict[str, Any]:
        padded = convert_sequences(batch, "Pad", self._pad_value)
        for name in self.padding_values:
            if not isinstance(batch.get(name), JaggedSequence):
                sequences = [n for n, value in batch.items() if isinstance(value, JaggedSequence)]
                raise ValueError(
                    f"Pad: padding_values: no sequence named {name!r} in the batch; "
                    f"{did_you_mean(name, sequences)}"
                )
        return padded

    def _pad_value(self, name: str, jagged: JaggedSequence) -> PaddedSequence:
        block = pad(
            jagged,
            padding_value=self._padding_value(name, np.asarray(jagged.values)),
            side=self.side,
            multiple_of=self.multiple_of,
        )
        return PaddedSequence(*map(as_tensor, block))

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
