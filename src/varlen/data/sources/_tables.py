"""`Table`: columns of Arrow as examples. This needs pyarrow."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.data._indexed_pass import IndexedPass
from varlen.data.sources._arrays import ArrayExamples
from varlen.sequences import JaggedSequence


@dataclass(frozen=True)
class Table:
    """The rows of an Arrow table, in memory. The beginning of a pipeline.

    A column of lists becomes a sequence, JaggedSequence rows; lists of lists of one size have steps
    `[size]`. Other columns become arrays; strings and binary values are objects. Any row can be had
    at once.

    Args:
        table: a `pyarrow.Table` or `RecordBatch`.

    Raises:
        ImportError: pyarrow is not installed.
        ValueError: beginning a pass; a column has missing values, or of a type that is none of
            these.
    """

    table: Any

    def __iter__(self) -> IndexedPass:
        return IndexedPass(ArrayExamples(features_of(self.table, "Table")))


def pyarrow() -> Any:
    """The package.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import pyarrow as arrow  # type: ignore[import-untyped]
        import pyarrow.compute  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "tables need the package pyarrow\n  pip install 'varlen[arrow]'"
        ) from error
    return arrow


def features_of(table: Any, at: str) -> dict[str, Any]:
    """The columns of a table, as `Arrays` takes features."""
    arrow = pyarrow()
    features = {}
    for name in table.column_names if hasattr(table, "column_names") else table.schema.names:
        column = table.column(name)
        if isinstance(column, arrow.ChunkedArray):
            column = column.combine_chunks()
        if isinstance(column, arrow.ChunkedArray):  # where one array would be too large
            column = arrow.concat_arrays(column.chunks)
        features[name] = _as_feature(column, f"{at}: column {name!r}")
    return features


def _as_feature(column: Any, place: str) -> Any:
    if not _is_list(column.type):
        return _values(column, place)
    _check_whole(column, place)
    lengths = pyarrow().compute.list_value_length(column).to_numpy(zero_copy_only=False)
    return JaggedSequence(_values(column.flatten(), place), lengths.astype(np.int64))


def _values(array: Any, place: str) -> npt.NDArray[Any]:
    """Numbers, strings, or lists of one size of these, `[rows]` or `[rows, size]`."""
    _check_whole(array, place)
    arrow = pyarrow()
    if _is_list(array.type):
        sizes = arrow.compute.list_value_length(array).to_numpy(zero_copy_only=False)
        if len(sizes) and (sizes != sizes[0]).any():
            raise ValueError(
                f"{place}: expected lists of one size within lists, found {sizes.min()} and "
                f"{sizes.max()}"
            )
        inner = _values(array.flatten(), place)
        return inner.reshape(len(array), int(sizes[0]) if len(sizes) else 0, *inner.shape[1:])
    if arrow.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    is_plain = values.dtype.kind in "biuf" or (
        values.dtype.kind == "O" and all(isinstance(value, str | bytes) for value in values)
    )
    if not is_plain:
        raise ValueError(
            f"{place}: expected numbers, strings or lists of these, found {array.type}"
        )
    return values


def _check_whole(array: Any, place: str) -> None:
    if array.null_count:
        row = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
        raise ValueError(
            f"{place}: expected no missing values, found {array.null_count}, the first in place "
            f"{row}\n  fill them, or leave the column out"
        )


def _is_list(kind: Any) -> bool:
    types = pyarrow().types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
