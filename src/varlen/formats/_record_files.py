"""Record files as rows, shaped alike in all records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from varlen.errors import FeatureError
from varlen.features import NamedFeatures, read_features
from varlen.records import RecordReader

from ._kinds import Kind, Scalar
from ._row import Progress, Row

_SCALARS: Final[dict[str, Scalar]] = {
    "int64_list": "integer",
    "float_list": "number",
    "bytes_list": "string",
}


@dataclass
class _Feature:
    """What the records have under one name.

    Attributes:
        is_list: whether it is a feature list.
        place: the first record that has it, and if there is one, a kind of it.
        kind_field: the field of its values; None if no record has any.
        single: whether there is exactly one value wherever there may be several: in the feature,
            or in each step of the list.
        is_text: whether all bytes are UTF-8.
    """

    is_list: bool
    place: str
    kind_field: str | None = None
    single: bool = True
    is_text: bool = True

    @property
    def kind(self) -> Kind:
        depth = (0 if self.single else 1) + self.is_list
        scalar = None if self.kind_field is None else _SCALARS[self.kind_field]
        return Kind(depth, "bytes" if scalar == "string" and not self.is_text else scalar)


class RecordFiles:
    """Record files of SequenceExamples or Examples.

    A feature, or a step, is a list of values. If it has exactly one value in every record, rows
    have the value in place of the list. Bytes that are UTF-8 in every record are text. To know
    that, the files are read through once before `rows` begins.

    Args:
        paths: the files.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._known: dict[str, _Feature] | None = None

    def kinds(self, progress: Progress) -> Mapping[str, Kind]:
        """The kind of every feature. Raises what `rows` raises."""
        return {name: feature.kind for name, feature in sorted(self._features(progress).items())}

    def rows(self, progress: Progress) -> Iterator[Row]:
        """The rows. A feature without a kind is as one that is missing.

        Raises:
            OSError: a file is missing or cannot be read.
            CorruptRecordError: a file is damaged.
            FeatureError: a record is no SequenceExample and no Example, one feature has values of
                several kinds, or one is in the context as well as a list.
        """
        known = self._features(progress)
        for place, found in _records(self._paths, progress):
            context = {
                name: _value(feature, known[name])
                for name, feature in sorted(found.context.items())
                if feature.WhichOneof("kind")
            }
            sequences = {
                name: _sequence(steps.feature, known[name])
                for name, steps in sorted(found.feature_lists.items())
            }
            yield Row(context, sequences, place)

    def _features(self, progress: Progress) -> dict[str, _Feature]:
        if self._known is None:
            known: dict[str, _Feature] = {}
            for place, found in _records(self._paths, progress):
                for name, feature in found.context.items():
                    if feature.WhichOneof("kind"):
                        _look_at(name, [feature], known, place, is_list=False)
                for name, steps in found.feature_lists.items():
                    _look_at(name, steps.feature, known, place, is_list=True)
            self._known = known
        return self._known


def _records(paths: Sequence[str], progress: Progress) -> Iterator[tuple[str, NamedFeatures]]:
    """The place of each record, and its features."""
    for path in paths:
        with RecordReader(path) as reader:
            num_told = 0
            for record in reader.records():
                if reader.num_bytes_read != num_told:
                    progress(reader.num_bytes_read - num_told)
                    num_told = reader.num_bytes_read
                yield record.place, read_features(record.data, at=record.place)


def _look_at(
    name: str, features: Sequence[Any], known: dict[str, _Feature], place: str, *, is_list: bool
) -> None:
    """Takes into account the values of one record under one name."""
    if name not in known:
        known[name] = _Feature(is_list, place)
    found = known[name]
    if found.is_list != is_list:
        places = ("the context", "the feature lists")
        raise FeatureError(
            f"expected {name!r} in {places[found.is_list]} as in {found.place}, "
            f"found it in {places[is_list]}",
            at=place,
        )
    for feature in features:
        kind = feature.WhichOneof("kind")
        if kind is None:
            found.single = False
            continue
        if kind != found.kind_field:
            if found.kind_field is not None:
                raise FeatureError(
                    f"expected values in {found.kind_field} as in {found.place}, found {kind}",
                    at=f"{place}, {name!r}",
                )
            found.kind_field, found.place = kind, place
        values = getattr(feature, kind).value
        if len(values) != 1:
            found.single = False
        if kind == "bytes_list" and found.is_text:
            found.is_text = all(map(_is_text, values))


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _value(feature: Any, known: _Feature) -> Any:
    values = _converted(_values(feature, known), known)
    return values[0] if known.single else values


def _sequence(steps: Sequence[Any], known: _Feature) -> Any:
    if known.single:
        return _converted([value for step in steps for value in _values(step, known)], known)
    return [_converted(_values(step, known), known) for step in steps]


def _values(feature: Any, known: _Feature) -> list[Any]:
    return [] if known.kind_field is None else list(getattr(feature, known.kind_field).value)


def _converted(values: list[Any], known: _Feature) -> Any:
    if known.kind_field == "float_list":
        return np.array(values, np.float32)
    if known.kind_field == "bytes_list" and known.is_text:
        return [value.decode() for value in values]
    return values
