"""The first records of files, for people or as JSON Lines, as `varlen convert` takes them."""

import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from varlen.cli._text import printable, shortened, terminal_width, width_of
from varlen.errors import FeatureError
from varlen.features import read_features
from varlen.formats import encode_json
from varlen.records import Record, RecordReader

_PIPE_WIDTH = 120
_MOST_TEXT = 60
_KIND_NAMES = {"int64_list": "int64", "float_list": "float32", "bytes_list": "string"}


def print_head(paths: Sequence[str], num_records: int, *, as_json: bool) -> None:
    """Prints the first records of each file.

    Raises:
        CorruptRecordError: a file is damaged within these records.
        FeatureError: as JSON, and a record is no SequenceExample and no Example.
    """
    describe = _json_line if as_json else _text
    for path in paths:
        with RecordReader(path) as reader:
            for record in islice(reader.records(), num_records):
                print(describe(record))


def _json_line(record: Record) -> str:
    found = read_features(record.data, at=record.place)
    context = {
        name: _scalar_or_list(feature)
        for name, feature in sorted(found.context.items())
        if feature.WhichOneof("kind")
    }
    sequences = {
        name: list(map(_scalar_or_list, steps.feature))
        for name, steps in sorted(found.feature_lists.items())
    }
    return encode_json({**context, **sequences})


def _scalar_or_list(feature: Any) -> Any:
    values = list(map(_value, _values(feature)))
    return values[0] if len(values) == 1 else values


def _value(value: Any) -> Any:
    """Bytes as text, if they are; floats as float32, which is written as short as may be."""
    if isinstance(value, float):
        return np.float32(value)
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _values(feature: Any) -> Sequence[Any]:
    kind = feature.WhichOneof("kind")
    return getattr(feature, kind).value if kind else ()


def _text(record: Record) -> str:
    """A record in some lines: a line for each feature, cut where the line ends."""
    width = terminal_width() or _PIPE_WIDTH
    lines = [f"{printable(record.place)}, {len(record.data):,} bytes"]
    try:
        context, lists = read_features(record.data)
    except FeatureError:
        shown = shortened(repr(record.data[:width]), width - 4)
        return "\n".join([*lines, "  no SequenceExample and no Example:", f"    {shown}", ""])
    names = [printable(name) for name in (*context, *lists)]
    name_width = min(max(map(width_of, names), default=0), width // 3)
    for title, features, line in (
        ("context" if lists else "features", context, _feature_line),
        ("feature lists", lists, _list_line),
    ):
        if features:
            lines.append(f"  {title}")
        for name, feature in sorted(features.items()):
            label = shortened(printable(name), name_width)
            label += " " * (name_width - width_of(label))
            lines.append(f"    {label}  " + line(feature, width - name_width - 6))
    return "\n".join([*lines, ""])


def _feature_line(feature: Any, width: int) -> str:
    values = _values(feature)
    about = _kind_name(feature) + ("" if len(values) == 1 else f", {len(values):,} values")
    room = width - len(about) - 2
    if len(values) == 1:
        return f"{about}  {_value_text(values[0], room)}"
    return f"{about}  {_joined(values, _value_text, room)}".rstrip()


def _list_line(steps: Any, width: int) -> str:
    kinds = sorted({_kind_name(step) for step in steps.feature})
    count = len(steps.feature)
    about = f"{'/'.join(kinds) or 'empty'}, {count:,} step{'s' * (count != 1)}"
    return f"{about}  {_joined(steps.feature, _step_text, width - len(about) - 2)}".rstrip()


def _step_text(step: Any) -> str:
    values = _values(step)
    if len(values) == 1:
        return _value_text(values[0])
    return f"[{_joined(values, _value_text, _MOST_TEXT)}]"


def _joined(items: Sequence[Any], text_of: Callable[[Any], str], width: int) -> str:
    """As many of the items as there is room for, and how many more there are."""
    room = width - len(f", ... {len(items):,} more")
    texts: list[str] = []
    for text in map(text_of, items):
        room -= width_of(text) + 2
        if texts and room < 0:
            break
        texts.append(text)
    left = len(items) - len(texts)
    return ", ".join(texts) + (f", ... {left:,} more" if left else "")


def _value_text(value: Any, width: int = _MOST_TEXT) -> str:
    shown = _value(value)
    if isinstance(shown, str):
        return json.dumps(shortened(shown, width - 2), ensure_ascii=False)
    return shortened(encode_json(shown), width)


def _kind_name(feature: Any) -> str:
    return _KIND_NAMES.get(feature.WhichOneof("kind"), "none")
