"""Specifications of results that are put together from several features of one Example.

Names, arguments and meanings are those of TensorFlow (1.15 for SparseFeature, 2.15 for
RaggedFeature).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ._kinds import as_kind
from ._spec_checks import assign, call_text, checked_integer

_INT32 = np.dtype(np.int32)


@dataclass(frozen=True, repr=False)
class SparseFeature:
    """Values of one feature at the positions that other features hold. Gives `SparseValues`.

    Positions are not compared with `size`: those beyond it, and negative ones, are handed on.

    Attributes:
        index_key: the int64 feature that holds the positions; a list of them for positions of
            several coordinates.
        value_key: the feature that holds the values.
        dtype: of the values; `int64`, `float32` or `string`, or other names for them.
        size: of the dense shape; one for each of several index keys.
        already_sorted: the positions rise, so that nothing is to be sorted. Then it is not checked
            either that there are as many positions as values.

    Raises:
        TypeError: keys that are not text, sizes that are not whole numbers, or a type that
            features do not have.
        ValueError: no index key, not one size for each, or a size below 0.
    """

    index_key: str | Sequence[str]
    value_key: str
    dtype: Any
    size: int | Sequence[int]
    already_sorted: bool = False

    def __post_init__(self) -> None:
        assign(self, "dtype", as_kind(self.dtype))
        _check_key("value_key", self.value_key)
        if not isinstance(self.index_key, str):
            assign(self, "index_key", tuple(self.index_key))
        if isinstance(self.size, Sequence):
            assign(self, "size", tuple(self.size))
        for key in self.index_keys:
            _check_key("index_key", key)
        for size in self.sizes:
            checked_integer("size", size, at_least=0)
        one_key, one_size = isinstance(self.index_key, str), not isinstance(self.size, tuple)
        if one_key != one_size or len(self.index_keys) != len(self.sizes) or not self.index_keys:
            raise ValueError(
                "size: expected one size for each index key, "
                f"found {self.size!r} for {self.index_key!r}"
            )

    @property
    def index_keys(self) -> tuple[str, ...]:
        """The features that hold the coordinates, in order."""
        return (self.index_key,) if isinstance(self.index_key, str) else tuple(self.index_key)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of the dense shape along each coordinate."""
        return tuple(self.size) if isinstance(self.size, Sequence) else (self.size,)

    def __repr__(self) -> str:
        return call_text(self)


@dataclass(frozen=True)
class RowSplits:
    """Rows by where they begin and end: row i is `[splits[i], splits[i + 1])`."""

    key: str


@dataclass(frozen=True)
class RowLengths:
    """Rows by how long they are."""

    key: str


@dataclass(frozen=True)
class RowStarts:
    """Rows by where they begin; each ends where the next begins, and the last with the values."""

    key: str


@dataclass(frozen=True)
class RowLimits:
    """Rows by where they end; each begins where the one before ends, and the first at 0."""

    key: str


@dataclass(frozen=True)
class ValueRowIds:
    """Rows by the row of each value, in rising order; the last id says how many rows there are."""

    key: str


@dataclass(frozen=True)
class UniformRowLength:
    """Rows that are all `length` long."""

    length: int

    def __post_init__(self) -> None:
        checked_integer("length", self.length, at_least=1)


KeyedPartition = RowSplits | RowLengths | RowStarts | RowLimits | ValueRowIds
Partition = KeyedPartition | UniformRowLength


@dataclass(frozen=True, repr=False)
class RaggedFeature:
    """Values of one feature in rows that other features describe. Gives `RaggedValues`.

    Attributes:
        dtype: of the values; `int64`, `float32` or `string`, or other names for them.
        value_key: the feature that holds the values; None for the one that has the result's name.
        partitions: how the values fall into rows, outermost first. Each is read from an int64
            feature of its own, or is a `UniformRowLength`; uniform ones at the end make dense
            dimensions. A feature that is missing makes no rows.
        row_splits_dtype: int32 or int64.
        validate: check that the rows cover exactly the values there are.

    Raises:
        TypeError: keys that are not text, or a type that features or row splits do not have.
        ValueError: a uniform length below 1.
    """

    RowSplits: ClassVar = RowSplits
    RowLengths: ClassVar = RowLengths
    RowStarts: ClassVar = RowStarts
    RowLimits: ClassVar = RowLimits
    ValueRowIds: ClassVar = ValueRowIds
    UniformRowLength: ClassVar = UniformRowLength

    dtype: Any
    value_key: str | None = None
    partitions: Sequence[Partition] = ()
    row_splits_dtype: Any = _INT32
    validate: bool = False

    def __post_init__(self) -> None:
        assign(self, "dtype", as_kind(self.dtype))
        assign(self, "row_splits_dtype", _as_splits_dtype(self.row_splits_dtype))
        assign(self, "partitions", tuple(self.partitions))
        if self.value_key is not None:
            _check_key("value_key", self.value_key)
        for partition in self.partitions:
            if not isinstance(partition, Partition):
                raise TypeError(
                    "partitions: expected RaggedFeature.RowSplits or another of its partitions, "
                    f"found {partition!r}"
                )
            if not isinstance(partition, UniformRowLength):
                _check_key(f"{type(partition).__name__}: key", partition.key)

    def __repr__(self) -> str:
        return call_text(self)


def _check_key(argument: str, key: Any) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{argument}: expected the name of a feature, found {key!r}")


def _as_splits_dtype(dtype: Any) -> np.dtype[Any]:
    name = dtype.__name__ if isinstance(dtype, type) else str(dtype).removeprefix("torch.")
    if name not in ("int32", "int64"):
        raise TypeError(f"row_splits_dtype: expected int32 or int64, found {name}")
    return np.dtype(name)
