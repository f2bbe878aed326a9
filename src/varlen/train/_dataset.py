"""A folder of record files as data to learn from: splits, what is in them, and their examples."""

import copy
import os
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.data import Filter, Pipeline, Records, Stage
from varlen.errors import ConfigError, VarlenError
from varlen.features import Profile, Schema, parse_each_sequence_example
from varlen.records import Record
from varlen.sequences import JaggedSequence, SparseValues
from varlen.train._splits import VALIDATION_NAMES, split_files, split_names

_CHUNK = 512
_CHUNK_BYTES = 2**24


class Example(NamedTuple):
    """A record, parsed.

    Attributes:
        values: by feature; sequences as `JaggedSequence(values, length)`, or as
            `SparseValues` if that is how they are specified.
        place: file and byte.
    """

    values: dict[str, Any]
    place: str


@dataclass(frozen=True)
class InShare:
    """Whether a record is in a share of all records, or in the rest; its place alone decides.

    Args:
        share: of all records.
        rest: whether the others are meant.
    """

    share: float
    rest: bool

    def __call__(self, record: Record) -> bool:
        place = f"{os.path.basename(record.path)}:{record.offset}".encode()
        return (zlib.crc32(place) < self.share * 2**32) != self.rest


class Dataset:
    """The splits of a folder of record files.

    A split "valid" is made of a share of the training split where there is none of the usual
    names; the same records are held out every time.

    Args:
        path: the folder.
        valid_share: the share.

    Attributes:
        in_order: whether batches have the records as they follow each other, and not those of like
            length.
        held_out: whether the split for validation was made.
        valid_share: the share.

    Raises:
        ConfigError: there is no such folder.
    """

    def __init__(self, path: Path, *, valid_share: float = 0.1) -> None:
        self.path = path
        self.in_order = False
        names = split_names(path)
        self._valid = next((name for name in VALIDATION_NAMES if name in names), None)
        self.held_out = self._valid is None and "train" in names
        self.valid_share = valid_share
        self._is_whole = False
        self._profiles: dict[str, Profile] = {}
        self._num_bytes: dict[str, int] = {}

    def ordered(self) -> "Dataset":
        """The same data, `in_order`."""
        found = copy.copy(self)
        found.in_order = True
        return found

    def whole(self) -> "Dataset":
        """The same data, of which no records are held out: those of "train" and "valid" are the
        same, and what is held out of them is the business of whoever asks.
        """
        if not self.held_out:
            return self
        found = copy.copy(self)
        found._is_whole = True
        return found

    @property
    def splits(self) -> set[str]:
        """The splits that there are."""
        made = {"valid"} if self.held_out or self._valid is not None else set()
        return split_names(self.path) | made

    def source(self, split: str) -> tuple[Records, list[Stage]]:
        """The beginning of a pipeline over the records of a split, in order.

        Raises:
            ConfigError: there is no such split, or some of its shards are missing.
        """
        if split == "valid" and self._valid is not None:
            return Records(split_files(self.path, self._valid)), []
        if split in ("train", "valid") and self.held_out:
            keep = InShare(self.valid_share, rest=split == "train")
            stages: list[Stage] = [] if self._is_whole else [Filter(keep)]
            return Records(split_files(self.path, "train")), stages
        return Records(split_files(self.path, split)), []

    def profile(self, split: str) -> Profile:
        """What the features of a split are like. Its records are read through, once.

        Raises:
            ConfigError: there is no such split, or no record in it.
            FeatureError: there are too many names of features.
            CorruptRecordError: a file is damaged.
        """
        key = self._key(split)
        if key not in self._profiles:
            profile, num_bytes = Profile(), 0
            for chunk in self._chunks(split):
                num_bytes += sum(len(record.data) for record in chunk)
                places = [record.place for record in chunk]
                profile.add([record.data for record in chunk], places.__getitem__)
            if not profile.num_records:
                raise ConfigError(f"split {split!r} has no records", at=str(self.path))
            self._profiles[key], self._num_bytes[key] = profile, num_bytes
        return self._profiles[key]

    @property
    def schema(self) -> Schema:
        """Of the training split."""
        return Schema.from_profile(self.profile("train"))

    def num_records(self, split: str) -> int:
        """How many records a split has."""
        return self.profile(split).num_records

    def num_bytes(self, split: str) -> int:
        """How many bytes the records of a split have, decompressed."""
        self.profile(split)
        return self._num_bytes[self._key(split)]

    def lengths(self, split: str, feature: str) -> npt.NDArray[np.int64]:
        """How many steps a feature list has in each record of a split.

        Raises:
            ConfigError: no record has the feature, or none of them a step.
        """
        found = self.profile(split).feature_lists.get(feature)
        if found is None or not (lengths := found.lengths).any():
            raise ConfigError(f"split {split!r} has no steps of {feature!r}", at=str(self.path))
        return lengths

    def examples(
        self,
        split: str,
        *,
        context: Mapping[str, Any] | None = None,
        sequences: Mapping[str, Any] | None = None,
    ) -> Iterator[Example]:
        """The examples of a split, in order, parsed by specifications.

        Raises:
            FeatureError: a record does not hold what is specified.
            CorruptRecordError: a file is damaged.
        """
        for chunk in self._chunks(split):
            parsed = parse_each_sequence_example(
                [record.data for record in chunk],
                context,
                sequences,
                [record.place for record in chunk],
            )
            for record, (scalars, lists) in zip(chunk, parsed, strict=True):
                rows = {name: _as_row(values) for name, values in lists.items()}
                yield Example({**scalars, **rows}, record.place)

    def records(self, split: str, numbers: Collection[int]) -> dict[int, Record]:
        """Some of the records of a split, by their numbers in it, from 0.

        Raises:
            CorruptRecordError: a file is damaged.
        """
        chunks = chain.from_iterable(self._chunks(split))
        until = max(numbers, default=-1) + 1
        return {i: record for i, record in enumerate(islice(chunks, until)) if i in numbers}

    def _key(self, split: str) -> str:
        """Under which what is known of a split is kept."""
        return "whole" if self._is_whole and split in ("train", "valid") else split

    def _chunks(self, split: str) -> Iterator[list[Record]]:
        source, stages = self.source(split)
        records = iter(Pipeline(source, *stages).for_rank(0, 1))
        chunk: list[Record] = []
        num_bytes = 0
        for record in records:
            chunk.append(record)
            num_bytes += len(record.data)
            if len(chunk) == _CHUNK or num_bytes >= _CHUNK_BYTES:
                yield chunk
                chunk, num_bytes = [], 0
        if chunk:
            yield chunk


def placed(error: VarlenError, place: str) -> VarlenError:
    """The same error, with the record where it happened."""
    at = place if error.at is None else f"{place}: {error.at}"
    return type(error)(error.problem, at=at, hint=error.hint)


def _as_row(values: Any) -> Any:
    if isinstance(values, SparseValues):
        return values
    return JaggedSequence(values, np.array(len(values), np.int64))
