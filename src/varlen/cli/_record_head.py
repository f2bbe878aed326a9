"""The first records of files as JSON Lines, as `varlen convert` takes them."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from varlen.cli._decode import decode
from varlen.records import RecordReader


def print_head(paths: Sequence[Path], num_records: int) -> None:
    """Prints the first records of each file.

    Raises:
        CorruptRecordError: a file is damaged within these records.
        FeatureError: a record is no SequenceExample and no Example.
    """
    for path in paths:
        with RecordReader(path) as reader:
            for record in islice(reader.records(), num_records):
                example = decode(record)
                values = {
                    name: _scalar_or_list(_values(feature))
                    for name, feature in sorted(example.context.feature.items())
                }
                for name, steps in sorted(example.feature_lists.feature_list.items()):
                    values[name] = [_scalar_or_list(_values(step)) for step in steps.feature]
                print(json.dumps(values, ensure_ascii=False))


def _values(feature: Any) -> list[Any]:
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    # What is not text is shown as Python shows bytes.
    return [_text(value) if isinstance(value, bytes) else value for value in values]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return repr(value)


def _scalar_or_list(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
