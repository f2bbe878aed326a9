"""Which files of a data folder are which split."""

import re
from pathlib import Path

from varlen.errors import ConfigError, did_you_mean

_SHARD = re.compile(r"(?P<split>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.tfrecord")
_WHOLE = re.compile(r"(?P<split>[\w-]+)\.tfrecord")

VALIDATION_NAMES = ("valid", "validation", "val", "dev")
"""What the split for validation may be called, the first that is there."""


def split_files(data: Path, split: str) -> list[str]:
    """The shards of a split, in order: `train-00000-of-00004.tfrecord` and so on, or one file
    `train.tfrecord`.

    Raises:
        ConfigError: there is no such folder or split, or some of its shards are missing.
    """
    shards = _shards(data)
    if split not in shards:
        raise ConfigError(
            f"no files {split}-*-of-*.tfrecord in the data folder",
            at=str(data),
            hint=f"of splits, {did_you_mean(split, shards)}",
        )
    if len(shards[split]) > 1:
        counts_found = " and of ".join(str(count) for count in sorted(shards[split]))
        raise ConfigError(
            f"split {split!r} is there more than once, in a set of {counts_found} shards",
            at=str(data),
            hint="remove the set that is out of date",
        )
    [(count, numbers)] = shards[split].items()
    if not count:
        return [str(data / f"{split}.tfrecord")]
    if missing := sorted(set(range(count)) - set(numbers)):
        raise ConfigError(
            f"split {split!r}: expected {count} shards, found {len(numbers)}",
            at=str(data),
            hint=f"the first that is missing is {split}-{missing[0]:05}-of-{count:05}.tfrecord",
        )
    return [str(data / f"{split}-{number:05}-of-{count:05}.tfrecord") for number in range(count)]


def split_names(data: Path) -> set[str]:
    """The splits of which a folder has files.

    Raises:
        ConfigError: there is no such folder.
    """
    return set(_shards(data))


def _shards(data: Path) -> dict[str, dict[int, list[int]]]:
    """By split and number of shards (0 for a file that is no shard), the numbers of the shards."""
    if not data.is_dir():
        raise ConfigError("no such data folder", at=str(data), hint="`varlen convert` makes one")
    shards: dict[str, dict[int, list[int]]] = {}
    for path in data.iterdir():
        if match := _SHARD.fullmatch(path.name):
            counts = shards.setdefault(match["split"], {})
            counts.setdefault(int(match["count"]), []).append(int(match["number"]))
        elif match := _WHOLE.fullmatch(path.name):
            shards.setdefault(match["split"], {}).setdefault(0, []).append(0)
    return shards
