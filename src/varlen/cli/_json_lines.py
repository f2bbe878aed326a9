"""JSON Lines as features: lists are feature lists, scalars are context features."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import Any, NamedTuple

import numpy as np

from varlen.errors import CorruptRecordError, FeatureError, did_you_mean

_GZIP_MAGIC = b"\x1f\x8b"
_SPLIT_NAME = re.compile(r"\w[\w-]*")
_LONGEST_QUOTE = 40


class JsonExample(NamedTuple):
    """One line.

    Attributes:
        context: the scalars, as `sequence_example` takes them.
        sequences: the lists, likewise.
        split: what the line has for the key that names the split.
        at: file and line.
    """

    context: dict[str, Any]
    sequences: dict[str, Any]
    split: str
    at: str


def read_json_lines(file: BufferedReader, *, split_key: str | None) -> Iterator[JsonExample]:
    """The lines of a file or pipe, plain or gzip, as they come; blank ones are left out.

    Args:
        file: open to read, at its beginning.
        split_key: the key that names a line's split, which is then no feature; None if all lines
            are of the split "train".

    Raises:
        CorruptRecordError: a line is no JSON object, or the gzip file is damaged.
        FeatureError: a value is of a kind that a feature cannot have, or of another kind than the
            same key had in a line before, or the key of the split is not there.
    """
    kinds: dict[str, tuple[_Kind, str]] = {}
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        at = f"{file.name}, line {number}"
        values = _object(line, at)
        split = "train" if split_key is None else _take_split(values, split_key, at)
        context: dict[str, Any] = {}
        sequences: dict[str, Any] = {}
        for key, value in values.items():
            kind = _check_kind(key, value, at, kinds)
            part = context if kind.depth == 0 else sequences
            part[key] = _feature(value, kind)
        yield JsonExample(context, sequences, split, at)


def _lines(file: BufferedReader) -> Iterator[bytes]:
    compressed = file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    try:
        yield from gzip.GzipFile(fileobj=file) if compressed else file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorruptRecordError(f"the gzip file is damaged: {error}", at=str(file.name)) from error


def _object(line: bytes, at: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorruptRecordError(f"not JSON: {error}", at=at) from error
    if not isinstance(values, dict):
        raise CorruptRecordError(f"expected a JSON object, found {_quote(values)}", at=at)
    return values


def _take_split(values: dict[str, Any], split_key: str, at: str) -> str:
    if split_key not in values:
        raise FeatureError(
            f"no key {split_key!r} to name the split", at=at, hint=did_you_mean(split_key, values)
        )
    split = values.pop(split_key)
    if not (isinstance(split, str) and _SPLIT_NAME.fullmatch(split)):
        raise FeatureError(
            f"expected the name of a split, of letters, digits, _ and -, found {_quote(split)}",
            at=f"{at}, key {split_key!r}",
        )
    return split


class _Kind(NamedTuple):
    """Of a value: how many lists are around its scalars, and what these are (None: none)."""

    depth: int
    scalar: str | None

    def __str__(self) -> str:
        around = ("", "a list of ", "a list of lists of ")[self.depth]
        return f"{around}{self.scalar or 'nothing'}{'s' if self.depth and self.scalar else ''}"


def _check_kind(key: str, value: Any, at: str, kinds: dict[str, tuple[_Kind, str]]) -> _Kind:
    here = f"{at}, key {key!r}"
    found = _kind(value, here)
    known, known_at = kinds.get(key, (found, at))
    merged = _merge(known, found)
    if merged is None:
        hint = "write the numbers without a fraction as 1.0" if found.scalar == "number" else None
        raise FeatureError(
            f"expected {known} as in {known_at}, found {found}: {_quote(value)}", at=here, hint=hint
        )
    kinds[key] = (merged, known_at)
    return merged


def _merge(known: _Kind, found: _Kind) -> _Kind | None:
    """The kind of both; None if a feature cannot hold both."""
    if (known.depth == 0) != (found.depth == 0):
        return None
    if found.scalar is None and found.depth <= known.depth:
        return known
    if known.scalar is None and known.depth <= found.depth:
        return found
    # Integers may stand among numbers with a fraction, but not the other way round: what was
    # written as integers is not called back.
    same = found.scalar == known.scalar or (known.scalar, found.scalar) == ("number", "integer")
    return known if same and known.depth == found.depth else None


def _kind(value: Any, at: str) -> _Kind:
    if not isinstance(value, list):
        return _Kind(0, _scalar_kind({type(value)}, value, at))
    types = set(map(type, value))
    if types != {list}:
        return _Kind(1, _scalar_kind(types, value, at))
    return _Kind(2, _scalar_kind({type(item) for step in value for item in step}, value, at))


def _scalar_kind(types: set[type], value: Any, at: str) -> str | None:
    if not types:
        return None
    for name, allowed in (("string", {str}), ("integer", {int, bool}), ("number", {int, float})):
        if types <= allowed:
            return name
    raise FeatureError(
        "expected a string, a number, or a list of either, with or without lists as its steps; "
        f"found {_quote(value)}",
        at=at,
        hint="leave the key out where there is no value" if type(None) in types else None,
    )


def _feature(value: Any, kind: _Kind) -> Any:
    if kind.scalar != "number":
        return value
    if kind.depth == 2:
        return [np.asarray(step, np.float32) for step in value]
    return np.asarray(value, np.float32)


def _quote(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."
