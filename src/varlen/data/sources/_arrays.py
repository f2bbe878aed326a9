"""`Arrays`: arrays in memory as examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.data._indexed_pass import IndexedPass
from varlen.errors import did_you_mean
from varlen.sequences import JaggedSequence, PaddedSequence, check_lengths, live_steps


@dataclass(frozen=True)
class Arrays:
    """Arrays in memory, a row of each being a feature of an example. The beginning of a pipeline.

        source = Arrays({"frames": JaggedSequence(values, lengths), "speaker": speakers})
        Pipeline(source, FollowPlan(BatchPlan(64, buckets=8, feature="frames")), Pad())

    Examples are views of the arrays. Any can be had at once, so `Permute` and `FollowPlan` work,
    and resuming takes no time.

    Args:
        features: by name: sequences as JaggedSequence, values `[sum(lengths), ...]` end to end, or
            as PaddedSequence, data `[examples, time, ...]`; all else as arrays `[examples, ...]`.
            Tensors on the CPU are taken as arrays.

    Raises:
        TypeError: not a dict, or lengths that are not integers.
        ValueError: no feature, features of unequal numbers of examples, or lengths that do not go
            with their values.
    """

    features: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.features, Mapping):
            raise TypeError(
                f"Arrays: expected a dict of arrays, found {type(self.features).__name__}"
            )
        if not self.features:
            raise ValueError("Arrays: expected at least one feature, found none")
        checked = {name: _checked(name, value) for name, value in self.features.items()}
        object.__setattr__(self, "features", checked)
        sizes = {name: len(_per_example(value)) for name, value in checked.items()}
        first = next(iter(sizes))
        for name, size in sizes.items():
            if size != sizes[first]:
                raise ValueError(
                    f"Arrays: features[{name!r}]: expected {sizes[first]} examples, as in "
                    f"{first!r}, found {size}"
                )

    def __iter__(self) -> IndexedPass:
        return IndexedPass(ArrayExamples(self.features))


class ArrayExamples:
    """The examples of arrays by their positions, as `Indexed`.

    Args:
        features: as `Arrays` has them, checked.
    """

    def __init__(self, features: Mapping[str, Any]) -> None:
        self._features = features
        self._starts = {
            name: np.cumsum([0, *value.lengths])
            for name, value in features.items()
            if isinstance(value, JaggedSequence)
        }

    def __len__(self) -> int:
        return len(_per_example(next(iter(self._features.values()))))

    def items_at(self, positions: Sequence[int]) -> list[dict[str, Any]]:
        """The examples at some positions."""
        return [
            {name: self._row(name, value, i) for name, value in self._features.items()}
            for i in positions
        ]

    def batch_at(self, positions: Sequence[int]) -> dict[str, Any]:
        """The same as a batch, without making each of them."""
        rows = np.asarray(positions, np.int64)
        return {name: self._rows(name, value, rows) for name, value in self._features.items()}

    def known_lengths(self, feature: str | None) -> npt.NDArray[np.int64] | None:
        """The lengths of a feature; if it has no name, of the only sequence."""
        sequences = {
            name: value.lengths
            for name, value in self._features.items()
            if isinstance(value, JaggedSequence | PaddedSequence)
        }
        if feature is None:
            return next(iter(sequences.values())) if len(sequences) == 1 else None
        if feature not in sequences:
            raise ValueError(
                f"no sequence named {feature!r} in the arrays; {did_you_mean(feature, sequences)}"
            )
        lengths: npt.NDArray[np.int64] = sequences[feature]
        return lengths

    def known_bytes(self) -> None:
        """Arrays are no records."""

    def begin_epoch(self, epoch: int) -> None:
        """They are the same in every epoch."""

    def _row(self, name: str, value: Any, i: int) -> Any:
        if isinstance(value, PaddedSequence):
            return JaggedSequence(value.data[i, : value.lengths[i]], value.lengths[i])
        if isinstance(value, JaggedSequence):
            begin, end = self._starts[name][i : i + 2]
            return JaggedSequence(value.values[begin:end], value.lengths[i])
        return value[i]

    def _rows(self, name: str, value: Any, rows: npt.NDArray[np.int64]) -> Any:
        if isinstance(value, PaddedSequence):
            lengths = value.lengths[rows]
            block = value.data[rows, : lengths.max(initial=0)]
            return JaggedSequence(block[live_steps(lengths, block.shape[1])], lengths)
        if isinstance(value, JaggedSequence):
            lengths = value.lengths[rows]
            ends = np.cumsum(lengths)
            # Step j of the batch is the step that is as far behind the start of its row.
            steps = np.arange(lengths.sum()) + np.repeat(
                self._starts[name][rows] - (ends - lengths), lengths
            )
            return JaggedSequence(value.values[steps], lengths)
        return value[rows]


def _checked(name: str, value: Any) -> Any:
    argument = f"Arrays: features[{name!r}]"
    if isinstance(value, PaddedSequence):
        data = np.asarray(value.data)
        if data.ndim < 2:
            raise ValueError(f"{argument}: expected data [examples, time, ...], found {data.shape}")
        lengths = check_lengths(value.lengths, *data.shape[:2], argument=f"{argument}.lengths")
        return PaddedSequence(data, lengths)
    if isinstance(value, JaggedSequence):
        values = np.asarray(value.values)
        lengths = np.asarray(value.lengths)
        lengths = check_lengths(lengths, lengths.size, argument=f"{argument}.lengths")
        if values.ndim == 0 or len(values) != lengths.sum():
            raise ValueError(
                f"{argument}: expected as many values as its lengths say, {lengths.sum()}, found "
                f"shape {values.shape}"
            )
        return JaggedSequence(values, lengths)
    array = np.asarray(value)
    if array.ndim == 0:
        raise ValueError(f"{argument}: expected an array [examples, ...], found a single value")
    return array


def _per_example(value: Any) -> Any:
    return value.lengths if isinstance(value, JaggedSequence | PaddedSequence) else value
