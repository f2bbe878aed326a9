"""Rows as record files, a set of shards per split."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from varlen.errors import ConfigError, FeatureError, did_you_mean
from varlen.formats import Row, batched, encode_rows
from varlen.formats import quote as quoted
from varlen.records import ShardedWriter

# Every split has its files open until the end; a key with more values names something else.
_MOST_SPLITS = 32
_SPLIT_NAME = re.compile(r"\w[\w-]*")
_DEFAULT_SPLIT = "train"


class Sharding(NamedTuple):
    """How the records of a split are shared out among files.

    Attributes:
        shards, max_records, max_bytes, compression: as for `ShardedWriter`; one shard, if nothing
            is said.
    """

    shards: int | None
    max_records: int | None
    max_bytes: int | None
    compression: Any

    def check(self) -> None:
        """Says, before any work, whether these can be.

        Raises:
            ConfigError: they cannot.
        """
        for name in ("shards", "max_records", "max_bytes"):
            number = getattr(self, name)
            if number is not None and number < 1:
                option = f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option}: expected at least 1, found {number}")
        if self.shards is not None and (self.max_records, self.max_bytes) != (None, None):
            raise ConfigError("expected --shards or a limit to each file, found both")
        if self.compression not in (None, "GZIP", "ZLIB"):
            raise ConfigError(f"--compression: expected GZIP or ZLIB, found {self.compression!r}")

    def writer(self, prefix: Path) -> ShardedWriter:
        """What writes the files of a split."""
        has_limit = self.max_records is not None or self.max_bytes is not None
        return ShardedWriter(
            prefix,
            self.shards or (None if has_limit else 1),
            max_records=self.max_records,
            max_bytes=self.max_bytes,
            compression=self.compression,
        )


class Split(NamedTuple):
    """What was written of a split.

    Attributes:
        records: how many there are.
        files: the names of their files.
    """

    records: int
    files: list[str]


def with_splits(rows: Iterable[Row], split_key: str | None) -> Iterator[Row]:
    """The rows, each with its split.

    Args:
        rows: as they are read.
        split_key: the context feature that names the split, and is then left out; None to take
            what a row says of itself, or "train".

    Raises:
        FeatureError: the feature is not there, or no name of a split.
    """
    for row in rows:
        if split_key is None:
            yield row._replace(split=row.split or _DEFAULT_SPLIT)
            continue
        if split_key not in row.context:
            raise FeatureError(
                f"no key {split_key!r} to name the split",
                at=row.place,
                hint=did_you_mean(split_key, row.context),
            )
        context = dict(row.context)
        split = context.pop(split_key)
        if not (isinstance(split, str) and _SPLIT_NAME.fullmatch(split)):
            raise FeatureError(
                f"expected the name of a split, of letters, digits, _ and -, found {quoted(split)}",
                at=f"{row.place}, key {split_key!r}",
            )
        yield row._replace(context=context, split=split)


def write_splits(rows: Iterable[Row], folder: Path, sharding: Sharding) -> dict[str, Split]:
    """Writes each row to the files of its split.

    Raises:
        FeatureError: a value does not fit into a feature, or there are too many splits.
    """
    counts: Counter[str] = Counter()
    writers: dict[str, ShardedWriter] = {}
    with ExitStack() as stack:
        for batch in batched(rows):
            records: defaultdict[str, list[bytes]] = defaultdict(list)
            for row, record in zip(batch, encode_rows(batch), strict=True):
                split = str(row.split)
                if split not in counts and split not in records:
                    _check_number({*counts, *records}, row)
                records[split].append(record)
            for split, of_split in records.items():
                if split not in writers:
                    writers[split] = stack.enter_context(sharding.writer(folder / split))
                writers[split].write_many(of_split)
                counts[split] += len(of_split)
    return {
        split: Split(counts[split], [path.name for path in writer.paths])
        for split, writer in writers.items()
    }


def _check_number(splits: set[str], row: Row) -> None:
    if len(splits) == _MOST_SPLITS:
        raise FeatureError(
            f"expected at most {_MOST_SPLITS} splits, found one more, {row.split!r}", at=row.place
        )
