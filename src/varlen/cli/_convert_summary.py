"""What a conversion did, in words and as JSON."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from varlen.cli._convert_in import Written
from varlen.cli._convert_out import Exported
from varlen.formats import Kind


def print_written(found: Written, *, as_json: bool) -> None:
    """Prints what record files there are now."""
    if as_json:
        _print_json(
            {
                "out": str(found.folder),
                "records": sum(split.records for split in found.splits.values()),
                "splits": {name: split._asdict() for name, split in found.splits.items()},
                "features": _described(found.features),
            }
        )
        return
    for name, split in found.splits.items():
        files = f"{found.folder}/{name}-*-of-{len(split.files):05}.tfrecord"
        print(f"{name:12}{split.records:>12,} records in {files}")
    _print_features(found.features)


def print_exported(found: Exported, *, as_json: bool) -> None:
    """Prints what was written, on the standard error if that went to the standard output."""
    stream = sys.stderr if found.out == "-" else sys.stdout
    if as_json:
        described = {**found._asdict(), "features": _described(found.features)}
        _print_json(described, stream)
    elif found.out != "-":
        print(f"{found.records:,} records in {found.out}")
        _print_features(found.features)


def _print_features(features: Mapping[str, Kind]) -> None:
    # Names are bytes of others, which are not to move the cursor.
    shown = {name if name.isprintable() else ascii(name): kind for name, kind in features.items()}
    width = max(map(len, shown), default=0)
    for name, kind in shown.items():
        print(f"  {name:{width}}  {kind}")


def _described(features: Mapping[str, Kind]) -> dict[str, dict[str, Any]]:
    return {name: kind._asdict() for name, kind in features.items()}


def _print_json(described: dict[str, Any], stream: Any = None) -> None:
    print(json.dumps(described, indent=2), file=stream or sys.stdout)
