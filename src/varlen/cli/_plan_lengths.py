"""The lengths of all records of files, from their indexes or from the files."""

import sys
from collections.abc import Sequence
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.cli._inspect_report import main_lengths
from varlen.cli._inspection import Inspection
from varlen.cli._progress import byte_bar
from varlen.cli._record_index import along, build_index, with_cure
from varlen.errors import ConfigError, CorruptRecordError
from varlen.features import Profile
from varlen.records import RecordIndex, RecordReader, expand_paths

_SAMPLE_SIZE = 1000


class RecordLengths(NamedTuple):
    """How long the records of some files are.

    Attributes:
        paths: the files.
        feature: the one whose steps are counted.
        steps: of each record, int64, `[records]`.
        num_bytes: of each record, int64, `[records]`.
    """

    paths: list[str]
    feature: str
    steps: npt.NDArray[np.int64]
    num_bytes: npt.NDArray[np.int64]


def planned_lengths(files: Sequence[str], feature: str | None) -> RecordLengths:
    """The lengths of the records of files by one feature, which is found if none is given.

    Files without an index are read, with a bar on a terminal, and how to do without that is said on
    the standard error.

    Raises:
        ConfigError: no feature has steps, or not the one that is given.
        What `RecordIndex.build` raises.
    """
    paths = expand_paths(files)
    indexes = [_fresh_index(path) for path in paths]
    if feature is None:
        try:
            feature = _indexed_feature(indexes) or _longest_feature(paths)
        except CorruptRecordError as error:
            raise with_cure(error) from None
    missing = [
        path
        for path, index in zip(paths, indexes, strict=True)
        if index is None or index.feature != feature
    ]
    with byte_bar("index", missing) as advance:
        for i, path in enumerate(paths):
            if path in missing:
                indexes[i] = build_index(path, feature, along(advance))
    found = [index for index in indexes if index is not None]
    none = np.empty(0, np.int64)
    lengths = RecordLengths(
        paths,
        feature,
        np.concatenate([none, *(index.steps for index in found if index.steps is not None)]),
        np.concatenate([none, *(index.lengths for index in found)]),
    )
    if len(lengths.steps) and not lengths.steps.any():
        raise ConfigError(
            f"no record has a step of a feature named {feature!r}",
            at="--feature",
            hint="`varlen inspect` says which features there are",
        )
    if missing:
        print(
            f"{len(missing)} of {len(paths)} files read for their lengths; "
            f"`varlen index --feature {feature}` keeps these",
            file=sys.stderr,
        )
    return lengths


def _fresh_index(path: str) -> RecordIndex | None:
    try:
        return RecordIndex.load(path)
    except (FileNotFoundError, CorruptRecordError):
        return None


def _indexed_feature(indexes: Sequence[RecordIndex | None]) -> str | None:
    features = {None if index is None else index.feature for index in indexes}
    return features.pop() if len(features) == 1 else None


def _longest_feature(paths: Sequence[str]) -> str:
    """The one with the most steps in the first records."""
    profile = Profile()
    for path in paths:
        with RecordReader(path) as reader:
            records = chain.from_iterable(block.data() for block in reader.blocks())
            profile.add(list(islice(records, _SAMPLE_SIZE)), lambda _, path=path: path)  # type: ignore[misc]
        if profile.num_records:
            break
    lengths = main_lengths(Inspection([], profile), None)
    if lengths is None:
        raise ConfigError(
            "no feature whose steps could be lengths in the first records",
            at=", ".join(paths[:3]),
            hint="`varlen inspect` says which features there are; --feature names one",
        )
    return lengths.name
