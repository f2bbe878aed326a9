"""Schemas as JSON that people read and edit: one line for each feature.

    {
      "format": "varlen schema",
      "version": 1,
      "num_records": 2077,
      "context": {
        "id": {"kind": "string", "required": true, "num_values": 1, "num_bytes": [5, 75]}
      },
      "feature_lists": {
        "x": {"kind": "float32", "required": true, "num_steps": [1, 81], "num_values": 40,
              "values": [-3.5, 4.25], "nan": false}
      }
    }

An extent is `[least, most]`, or one number where both are the same. What is left out may be
anything.
"""

import json
import math
from typing import Any

import numpy as np

from varlen.errors import ConfigError, did_you_mean

from ._feature_schema import Extent, Features, FeatureSchema
from ._kinds import KINDS, float32, kind_name, string

_FORMAT = "varlen schema"
_VERSION = 1
_KINDS = {kind_name(kind): kind for kind in KINDS}
_TOP_KEYS = ("format", "version", "num_records", "context", "feature_lists")
_FEATURE_KEYS = ("kind", "required", "num_steps", "num_values", "values", "num_bytes", "nan")


def to_json(num_records: int, context: Features, feature_lists: Features) -> str:
    """The text of a schema."""
    lines = [
        "{",
        f'  "format": {json.dumps(_FORMAT)},',
        f'  "version": {_VERSION},',
        f'  "num_records": {num_records},',
        f'  "context": {_section_text(context)},',
        f'  "feature_lists": {_section_text(feature_lists)}',
        "}",
    ]
    return "\n".join(lines) + "\n"


def from_json(text: str | bytes, at: str) -> tuple[int, Features, Features]:
    """The number of records, the context and the feature lists of a schema.

    Raises:
        ConfigError: it is no schema, one of another version, or damaged; `at` says where it is.
    """
    try:
        found = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"expected a schema as JSON, found other text: {error}", at=at) from None
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise ConfigError(
            f'expected a schema, which has "format": "{_FORMAT}", found something else',
            at=at,
            hint="`varlen inspect --save-schema FILE` writes one",
        )
    if found.get("version") != _VERSION:
        raise ConfigError(
            f"expected a schema of version {_VERSION}, found {found.get('version')!r}",
            at=at,
            hint="a newer varlen may have written it",
        )
    _check_keys(found, _TOP_KEYS, at)
    num_records = found.get("num_records", 0)
    if not _is_integer(num_records) or num_records < 0:
        raise ConfigError(
            f"num_records: expected a number of at least 0, found {num_records!r}", at=at
        )
    context, feature_lists = (
        _section(found.get(section, {}), f"{at}: {section}", are_lists=section == "feature_lists")
        for section in ("context", "feature_lists")
    )
    return num_records, context, feature_lists


def feature_to_json(feature: FeatureSchema) -> dict[str, Any]:
    """One feature as JSON has it."""
    written: dict[str, Any] = {} if feature.kind is None else {"kind": kind_name(feature.kind)}
    written["required"] = feature.required
    values = "num_bytes" if feature.kind == string else "values"
    for key, extent in (
        ("num_steps", feature.num_steps),
        ("num_values", feature.num_values),
        (values, feature.values),
    ):
        if extent is not None:
            written[key] = _extent_to_json(extent)
    if feature.kind == float32:
        written["nan"] = feature.nan
    return written


def _section_text(features: Features) -> str:
    if not features:
        return "{}"
    lines = [
        f"    {json.dumps(name, ensure_ascii=False)}: {json.dumps(feature_to_json(feature))}"
        for name, feature in sorted(features.items())
    ]
    return "{\n" + ",\n".join(lines) + "\n  }"


def _extent_to_json(extent: Extent) -> Any:
    least, most = (_number_to_json(number) for number in extent)
    return least if least == most else [least, most]


def _number_to_json(number: int | float) -> Any:
    if isinstance(number, float):
        # The shortest that is read as the same float32; JSON has no infinity.
        return float(str(np.float32(number))) if math.isfinite(number) else str(number)
    return int(number)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return found


def _section(found: Any, at: str, *, are_lists: bool) -> Features:
    if not isinstance(found, dict):
        raise ConfigError(f"expected features by name, found {found!r}", at=at)
    return {
        name: _feature(feature, f"{at}.{name}", is_list=are_lists)
        for name, feature in found.items()
    }


def _feature(found: Any, at: str, *, is_list: bool) -> FeatureSchema:
    if not isinstance(found, dict):
        raise ConfigError(f"expected what a feature is like, found {found!r}", at=at)
    kind = _KINDS.get(found["kind"]) if isinstance(found.get("kind"), str) else None
    if "kind" in found and kind is None:
        raise ConfigError(f"kind: expected {', '.join(_KINDS)}, found {found['kind']!r}", at=at)
    values = "num_bytes" if kind == string else "values"
    leave_out = {"values", "num_bytes"} - ({values} if kind is not None else set())
    leave_out |= (set() if is_list else {"num_steps"}) | (set() if kind == float32 else {"nan"})
    _check_keys(found, tuple(key for key in _FEATURE_KEYS if key not in leave_out), at)
    for flag in ("required", "nan"):
        if not isinstance(found.get(flag, True), bool):
            raise ConfigError(f"{flag}: expected true or false, found {found[flag]!r}", at=at)
    return FeatureSchema(
        kind=kind,
        required=found.get("required", False),
        num_values=_count_extent(found, "num_values", at),
        num_steps=_count_extent(found, "num_steps", at),
        values=_float_extent(found, at) if kind == float32 else _int_extent(found, values, at),
        nan=found.get("nan", True),
    )


def _count_extent(found: dict[str, Any], key: str, at: str) -> Extent | None:
    extent = _int_extent(found, key, at)
    if extent is not None and extent.least < 0:
        raise ConfigError(f"{key}: expected at least 0, found {extent.least}", at=at)
    return extent


def _int_extent(found: dict[str, Any], key: str, at: str) -> Extent | None:
    return _extent(found, key, at, lambda number: number if _is_integer(number) else None)


def _float_extent(found: dict[str, Any], at: str) -> Extent | None:
    return _extent(found, "values", at, _float32)


def _extent(found: dict[str, Any], key: str, at: str, read: Any) -> Extent | None:
    if key not in found:
        return None
    given = found[key]
    ends = [read(end) for end in (given if isinstance(given, list) else [given, given])]
    if len(ends) != 2 or None in ends or ends[0] > ends[1]:
        raise ConfigError(f"{key}: expected a number, or [least, most], found {given!r}", at=at)
    return Extent(*ends)


def _float32(number: Any) -> float | None:
    if isinstance(number, str) and number in ("inf", "-inf"):
        return float(number)
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
        return None
    try:
        with np.errstate(over="ignore"):
            return float(np.float32(number))
    except OverflowError:  # an integer beyond float64
        return None


def _is_integer(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _check_keys(found: dict[str, Any], known: tuple[str, ...], at: str) -> None:
    for key in found:
        if key not in known:
            raise ConfigError(
                f"{key!r} is nothing that belongs here", at=at, hint=did_you_mean(key, known)
            )
