"""What record files hold: read through, or where fresh indexes stand beside them, sampled."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.cli._progress import byte_bar
from varlen.errors import CorruptRecordError
from varlen.features import BatchProfile, Profile
from varlen.records import IndexedReader, LostBytes, RecordIndex, RecordReader

_SAMPLE_SIZE = 1000


@dataclass
class FoundFile:
    """One file.

    Attributes:
        path: the file.
        compression: "GZIP", "ZLIB", or None.
        num_records: how many sound records it has.
        num_bytes: how many bytes, as they are stored.
        lost: its damaged places.
        num_malformed: how many of its records are neither SequenceExamples nor Examples.
        malformed: where the first of these is.
    """

    path: str
    compression: str | None = None
    num_records: int = 0
    num_bytes: int = 0
    lost: list[LostBytes] = field(default_factory=list)
    num_malformed: int = 0
    malformed: str | None = None

    def place(self, offset: int) -> str:
        """A byte of the file, as messages name it."""
        stream = "" if self.compression is None else " of the uncompressed stream"
        return f"{self.path} @ byte {offset}{stream}"


@dataclass
class Inspection:
    """Some files.

    Attributes:
        files: they.
        profile: what the features of their records are like.
        indexed: the feature whose steps indexes have counted, and these steps, record by record;
            None if the files were read through. Otherwise `profile` is of a sample.
    """

    files: list[FoundFile]
    profile: Profile
    indexed: tuple[str, npt.NDArray[np.int64]] | None = None


@dataclass
class FoundRecords:
    """Some records that follow each other in a file.

    Attributes:
        file: the file so far.
        begin: how many sound records of the file came before.
        data: the records.
        offsets: of each, the byte at which it begins.
        found: what their features are like.
    """

    file: FoundFile
    begin: int
    data: list[bytes]
    offsets: npt.NDArray[np.int64]
    found: BatchProfile


def inspect_files(paths: Sequence[str]) -> Inspection:
    """Reads files through, with a bar on a terminal. Damage is noted, not raised.

    Raises:
        OSError: a file cannot be read.
        FeatureError: there are too many names of features.
    """
    inspection = Inspection([], Profile())
    with byte_bar("inspect", paths) as advance:
        for path in paths:
            inspection.files.append(FoundFile(path))
            for _ in read_records(inspection.files[-1], inspection.profile, advance):
                pass
    return inspection


def read_records(
    file: FoundFile, profile: Profile, advance: Callable[[int], None]
) -> Iterator[FoundRecords]:
    """The records of a file, many at a time, and what is known of the file when it ends.

    Raises:
        OSError: the file cannot be read.
        FeatureError: there are too many names of features.
    """
    with _without_warnings(), RecordReader(file.path, on_corruption="skip") as reader:
        file.compression = reader.compression
        for block in reader.blocks():
            offsets = block.frame_offsets
            data = block.data()
            found = profile.add(data, lambda i, at=offsets: file.place(int(at[i])))  # type: ignore[misc]
            file.num_records += len(data)
            file.lost = reader.lost
            file.num_malformed += len(found.malformed)
            if file.malformed is None and len(found.malformed):
                file.malformed = file.place(int(offsets[found.malformed[0]]))
            advance(reader.num_bytes_read - file.num_bytes)
            file.num_bytes = reader.num_bytes_read
            yield FoundRecords(file, file.num_records - len(data), data, offsets, found)
        file.lost = reader.lost
        advance(reader.num_bytes_read - file.num_bytes)
        file.num_bytes = reader.num_bytes_read


def inspect_by_indexes(paths: Sequence[str], feature: str | None) -> Inspection | None:
    """Takes records and steps from the indexes beside files, and looks at a sample of the records.

    None if a file has no fresh index with the steps of one and the same feature, or does not hold
    what its index says, or the sample has no such feature: then they have to be read.

    Args:
        paths: the files.
        feature: the feature whose steps are wanted; None for whichever the indexes have.
    """
    indexes = [_fresh_index(path) for path in paths]
    steps = []
    for index in indexes:
        feature = index.feature if index is not None and feature is None else feature
        if index is None or index.steps is None or index.feature != feature:
            return None
        steps.append(index.steps)
    inspection = Inspection([], Profile(), (str(feature), np.concatenate(steps)))
    try:
        for index in filter(None, indexes):
            inspection.files.append(_sampled(index, inspection.profile))
    except CorruptRecordError:
        return None
    known = {**inspection.profile.context, **inspection.profile.feature_lists}
    return inspection if feature in known else None


def _fresh_index(path: str) -> RecordIndex | None:
    if not os.path.isfile(path):
        return None
    try:
        return RecordIndex.load(path)
    except (FileNotFoundError, CorruptRecordError):
        return None


def _sampled(index: RecordIndex, profile: Profile) -> FoundFile:
    """Adds records from all over a file to `profile`."""
    file = FoundFile(index.path, None, len(index), index.file_size)
    positions = np.unique(np.linspace(0, len(index) - 1, min(len(index), _SAMPLE_SIZE)).astype(int))
    with IndexedReader(index.path, index=index) as reader:
        data = reader[positions]
    found = profile.add(data, lambda i: file.place(int(index.offsets[positions[i]])))
    file.num_malformed = len(found.malformed)
    if file.num_malformed:
        file.malformed = file.place(int(index.offsets[positions[found.malformed[0]]]))
    return file


@contextmanager
def _without_warnings() -> Iterator[Any]:
    """The reader warns of damage, which is printed here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
