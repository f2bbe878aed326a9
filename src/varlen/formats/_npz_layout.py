"""Which arrays of an .npz file are sequences, and which are context."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError

from ._npz_arrays import StoredArray

_SPLITS = "train|validation|valid|val|dev|test"
_SPLIT_IN_NAME = (
    re.compile(rf"(?P<split>{_SPLITS})_(?P<name>.+)"),
    re.compile(rf"(?P<name>.+)_(?P<split>{_SPLITS})"),
)
_LENGTHS = ("lengths", "length")

Arrays = dict[str, StoredArray]


class Part(NamedTuple):
    """The arrays of one split.

    Attributes:
        split: its name; None if the file has no splits.
        num_records: how many records it has.
        lengths: their lengths; None if all arrays are full.
        context: by name, those with a row for each record.
        jagged: by name, those with a row for each step of all records.
        padded: by name, those with the steps of each record in a row.
    """

    split: str | None
    num_records: int
    lengths: list[int] | None
    context: Arrays
    jagged: Arrays
    padded: Arrays


def layout_of(arrays: Sequence[StoredArray], path: str) -> tuple[list[Part], list[StoredArray]]:
    """The parts of a file, and the arrays that belong to none.

    Raises:
        CorruptRecordError: the lengths cannot be read.
        FeatureError: the arrays do not fit together.
    """
    by_split, left_out = _by_split(arrays)
    parts: list[Part] = []
    for split, named in by_split.items():
        place = f"{path}, split {split!r}" if split else path
        lengths = next((named.pop(name) for name in _LENGTHS if name in named), None)
        if lengths is None:
            part = _full(split, named, place)
        else:
            part = _with_lengths(split, named, _read_lengths(lengths, place), place)
        parts.append(part)
        taken = {*part.context, *part.jagged, *part.padded}
        left_out += [array for name, array in named.items() if name not in taken]
    return parts, left_out


def _by_split(
    arrays: Sequence[StoredArray],
) -> tuple[dict[str | None, Arrays], list[StoredArray]]:
    """The arrays of each split by their names without it, and those of none."""
    groups: defaultdict[tuple[int, str], Arrays] = defaultdict(dict)
    for array in arrays:
        for style, pattern in enumerate(_SPLIT_IN_NAME):
            if found := pattern.fullmatch(array.name):
                groups[style, found["split"]][found["name"]] = array
    # One such name alone, as `is_test`, is a name like others.
    splits: dict[str | None, Arrays] = {
        split: named for (_, split), named in groups.items() if len(named) > 1
    }
    if not splits:
        return {None: {array.name: array for array in arrays}}, []
    taken = [id(array) for named in splits.values() for array in named.values()]
    return splits, [array for array in arrays if id(array) not in taken]


def _read_lengths(array: StoredArray, place: str) -> npt.NDArray[np.int64]:
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise FeatureError(
            "expected an integer for each record as lengths, found "
            f"{array.dtype} of shape {array.shape}",
            at=f"{place}, array {array.name!r}",
        )
    lengths = array.read(array.shape[0]).astype(np.int64)
    if len(lengths) and lengths.min() < 0:
        record = int(lengths.argmin())
        raise FeatureError(
            f"expected lengths of at least 0, found {lengths[record]}",
            at=f"{place}, array {array.name!r}, record {record}",
        )
    return lengths


def _with_lengths(
    split: str | None, named: Arrays, lengths: npt.NDArray[np.int64], place: str
) -> Part:
    num_records, num_steps = len(lengths), int(lengths.sum())
    longest = int(lengths.max(initial=0))
    part = Part(split, num_records, lengths.tolist(), {}, {}, {})
    for name, array in named.items():
        if not array.ndim:
            continue
        if array.shape[0] not in (num_records, num_steps):
            continue
        if num_records == num_steps:
            raise FeatureError(
                f"cannot tell {name!r} with a row for each record from one with a row for each "
                f"step: there are {num_steps} of both",
                at=place,
                hint="write these as JSON Lines, where nothing has to be told apart",
            )
        if array.shape[0] == num_steps:
            part.jagged[name] = array
        elif array.ndim > 1 and array.shape[1] >= longest:
            part.padded[name] = array
        else:
            part.context[name] = array
    if not (part.jagged or part.padded):
        raise FeatureError(
            f"expected an array of {num_steps} rows, to which the {num_records} lengths sum, or of "
            f"shape [{num_records}, {longest}, ...], found {_shapes(named)}",
            at=place,
        )
    return part


def _full(split: str | None, named: Arrays, place: str) -> Part:
    sizes = {array.shape[0] for array in named.values() if array.ndim > 1}
    sizes = sizes or {array.shape[0] for array in named.values() if array.ndim == 1}
    if len(sizes) != 1:
        raise FeatureError(
            f"expected arrays with a row for each record, found {_shapes(named)}",
            at=place,
            hint="sequences of unequal length need an array `lengths`",
        )
    part = Part(split, sizes.pop(), None, {}, {}, {})
    for name, array in named.items():
        if array.ndim and array.shape[0] == part.num_records:
            (part.padded if array.ndim > 1 else part.context)[name] = array
    return part


def _shapes(named: Mapping[str, StoredArray]) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in named.items()) or "none"
