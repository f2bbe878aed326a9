"""The kinds of features: found in values, and held to be the same in every row."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from varlen.errors import FeatureError

from ._row import Row

Scalar = Literal["string", "bytes", "integer", "number"]

_LONGEST_QUOTE = 40
# The first that takes all scalars of a value is its kind.
_TYPES: tuple[tuple[Scalar, tuple[type, ...]], ...] = (
    ("string", (str,)),
    ("integer", (int, np.integer, np.bool_)),
    ("bytes", (str, bytes)),
    ("number", (int, float, np.integer, np.floating, np.bool_)),
)
# By the first letter of a dtype.
_DTYPES: dict[str, Scalar] = {
    "U": "string",
    "b": "integer",
    "i": "integer",
    "u": "integer",
    "S": "bytes",
    "f": "number",
}
# What is known of a feature, and a later row may be: text is bytes too, and a number may happen to
# have no fraction. But what was written as integers is not called back.
_WIDER: dict[tuple[str | None, str | None], Scalar] = {
    ("string", "bytes"): "bytes",
    ("bytes", "string"): "bytes",
    ("number", "integer"): "number",
}


class Kind(NamedTuple):
    """Of a feature.

    Attributes:
        depth: how many lists are around its scalars: 0 or 1 in the context, 1 or 2 in sequences.
        scalar: what these are; None if there is none.
    """

    depth: int
    scalar: Scalar | None

    def __str__(self) -> str:
        around = ("", "a list of ", "a list of lists of ")[self.depth]
        plural = "s" if self.depth and self.scalar not in (None, "bytes") else ""
        return f"{around}{self.scalar or 'nothing'}{plural}"


class _Known(NamedTuple):
    kind: Kind
    is_sequence: bool
    place: str


class Kinds:
    """What is known of the features of rows so far."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def found(self) -> dict[str, Kind]:
        """The kind of every feature, in the order in which they came."""
        return {name: known.kind for name, known in self._known.items()}

    def checked(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, with numbers as float64 wherever a feature has fractions.

        Raises:
            FeatureError: a value is of a kind that a feature cannot have, or of another kind than
                the same feature had in a row before.
        """
        for row in rows:
            context = {
                name: self._check(name, value, row.place, is_sequence=False)
                for name, value in row.context.items()
            }
            sequences = {
                name: self._check(name, value, row.place, is_sequence=True)
                for name, value in row.sequences.items()
            }
            yield row._replace(context=context, sequences=sequences)

    def _check(self, name: str, value: Any, place: str, *, is_sequence: bool) -> Any:
        found = _kind(name, value, place)
        known = self._known.get(name)
        if known is None:
            self._known[name] = _Known(found, is_sequence, place)
            return _as_floats(name, value, found, place)
        if known.kind != found or known.is_sequence != is_sequence:
            merged = _merge(known.kind, found) if known.is_sequence == is_sequence else None
            if merged is None:
                raise _mismatch(name, value, found, place, known)
            if merged != known.kind:
                self._known[name] = known._replace(kind=merged)
            found = merged
        return _as_floats(name, value, found, place)


def quote(value: Any) -> str:
    """A value in an error message, as JSON and not too long."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


def _mismatch(name: str, value: Any, found: Kind, place: str, known: _Known) -> FeatureError:
    expected = str(known.kind)
    if known.kind == found:
        expected += " that is a sequence" if known.is_sequence else " that is no sequence"
    hint = None
    if (known.kind.scalar, found.scalar) == ("integer", "number"):
        hint = "write the numbers without a fraction as 1.0"
    return FeatureError(
        f"expected {expected} as in {known.place}, found {found}: {quote(value)}",
        at=_at(place, name),
        hint=hint,
    )


def _merge(known: Kind, found: Kind) -> Kind | None:
    """The kind of both; None if a feature cannot hold both."""
    if (known.depth == 0) != (found.depth == 0):
        return None
    if found.scalar is None and found.depth <= known.depth:
        return known
    if known.scalar is None and known.depth <= found.depth:
        return found
    if known.depth != found.depth:
        return None
    if known.scalar == found.scalar:
        return known
    wider = _WIDER.get((known.scalar, found.scalar))
    return None if wider is None else Kind(known.depth, wider)


def _kind(name: str, value: Any, place: str) -> Kind:
    if isinstance(value, np.ndarray):
        return Kind(min(value.ndim, 2), _of_dtype(name, value, place))
    if not isinstance(value, list):
        return Kind(0, _of_types({type(value)}, name, value, place))
    types = set(map(type, value))
    if types == {np.ndarray}:
        scalars = {_of_dtype(name, step, place) for step in value}
        if len(scalars) > 1:
            raise _not_a_feature(name, value, place)
        return Kind(2, scalars.pop())
    if types != {list}:
        return Kind(1, _of_types(types, name, value, place))
    return Kind(2, _of_types({type(item) for step in value for item in step}, name, value, place))


def _of_dtype(name: str, value: Any, place: str) -> Scalar:
    if value.dtype.kind not in _DTYPES:
        raise FeatureError(
            f"expected integers, floats, text or bytes, found an array of {value.dtype}",
            at=_at(place, name),
        )
    return _DTYPES[value.dtype.kind]


def _of_types(types: set[type], name: str, value: Any, place: str) -> Scalar | None:
    if not types:
        return None
    for scalar, allowed in _TYPES:
        if all(issubclass(of, allowed) for of in types):
            return scalar
    raise _not_a_feature(name, value, place, has_null=type(None) in types)


def _not_a_feature(name: str, value: Any, place: str, *, has_null: bool = False) -> FeatureError:
    return FeatureError(
        "expected a string, a number, or a list of either, with or without lists as its steps; "
        f"found {quote(value)}",
        at=_at(place, name),
        hint="leave the key out where there is no value" if has_null else None,
    )


def _as_floats(name: str, value: Any, kind: Kind, place: str) -> Any:
    if kind.scalar != "number" or isinstance(value, np.ndarray):
        return value
    try:
        if kind.depth == 0:
            return np.float64(value)
        if kind.depth == 1:
            return np.asarray(value, np.float64)
        return [np.asarray(step, np.float64) for step in value]
    except OverflowError:
        raise FeatureError(
            f"expected numbers that fit float32, found {quote(value)}", at=_at(place, name)
        ) from None


def _at(place: str, name: str) -> str:
    return f"{place}, key {name!r}"
