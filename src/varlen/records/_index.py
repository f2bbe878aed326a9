"""Where the records of a file are, kept in a file beside it.

A sidecar `train.tfrecord.index` is, in this order:

    magic           8 bytes, "VLINDEX1"
    header_size     uint32
    header          JSON: file_size, mtime_ns, num_records, feature
    offsets         num_records times int64, the byte of each frame
    lengths         num_records times int64, the bytes of each record's data
    steps           num_records times int64, if there is a feature
    crc             uint32, the masked CRC-32C of all before it

All numbers are little endian.
"""

import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlen._native import count_steps, masked_crc32c
from varlen.errors import ConfigError, CorruptRecordError, FeatureError

from ._blocks import RecordBlock
from ._new_file import NewFile
from ._reader import RecordReader
from ._sources import is_local

_MAGIC = b"VLINDEX1"
_SIZE = struct.Struct("<I")
_NUMBERS = np.dtype("<i8")


@dataclass(frozen=True, eq=False)
class RecordIndex:
    """Where every record of an uncompressed local file is, and how many steps it has.

    The steps are those of one feature: of its feature list in a SequenceExample, or else its values
    in the context or in an Example; 0 where a record has neither.

    An index is of the file as it was: with this size and time of change. It is built in one pass,
    in which every checksum is verified, and may be kept beside the file.

    Attributes:
        path: the file.
        file_size: its size in bytes.
        mtime_ns: when it was last changed, in nanoseconds, as the file system tells.
        offsets: the byte at which each record's frame begins.
        lengths: how many bytes of data each record has.
        feature: the feature whose steps were counted; None if none were.
        steps: how many steps each record has; None without a feature.
    """

    path: str
    file_size: int
    mtime_ns: int
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    feature: str | None = None
    steps: NDArray[np.int64] | None = None

    @staticmethod
    def path_beside(path: str | os.PathLike[str]) -> Path:
        """The name of the file that keeps the index of `path`."""
        return Path(f"{os.fspath(path)}.index")

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, feature: str | None = None) -> "RecordIndex":
        """The index beside a file, or if there is none, or a stale or damaged one, or one of
        another feature, a new one, which is not saved.

        Raises:
            What `build` raises.
        """
        try:
            found = cls.load(path)
        except (FileNotFoundError, CorruptRecordError):
            return cls.build(path, feature=feature)
        if feature in (None, found.feature):
            return found
        return cls.build(path, feature=feature)

    @classmethod
    def build(
        cls,
        path: str | os.PathLike[str],
        *,
        feature: str | None = None,
        progress: Callable[[int], Any] | None = None,
    ) -> "RecordIndex":
        """Reads a file through, and keeps where its records are.

        Args:
            path: the file, not compressed.
            feature: counts the steps of this feature.
            progress: is called now and then with the number of bytes read so far.

        Raises:
            OSError: the file is missing or cannot be read.
            ConfigError: the file is compressed, or it is no local file.
            CorruptRecordError: it is damaged, or changes meanwhile.
            FeatureError: a feature is given, and a record is no SequenceExample and no Example.
        """
        name = os.fspath(path)
        if not is_local(name):
            raise ConfigError("expected a local file to index, found a pipe or URL", at=name)
        before = os.stat(name)
        offsets: list[NDArray[np.int64]] = []
        lengths: list[NDArray[np.int64]] = []
        steps: list[NDArray[np.int64]] = []
        with RecordReader(name) as reader:
            if reader.compression is not None:
                raise ConfigError(
                    "expected an uncompressed file to index, found one compressed as "
                    + reader.compression,
                    at=name,
                )
            for block in reader.blocks():
                offsets.append(block.frame_offsets)
                lengths.append(block.lengths)
                if feature is not None:
                    steps.append(_steps_of(block, feature))
                if progress is not None:
                    progress(reader.num_bytes_read)
        after = os.stat(name)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise CorruptRecordError("the file changed while it was indexed", at=name)
        return cls(
            path=name,
            file_size=after.st_size,
            mtime_ns=after.st_mtime_ns,
            offsets=_joined(offsets),
            lengths=_joined(lengths),
            feature=feature,
            steps=None if feature is None else _joined(steps),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "RecordIndex":
        """The index that is kept beside a file.

        Raises:
            FileNotFoundError: there is no file, or no index beside it.
            CorruptRecordError: the index is damaged, or of another state of the file.
        """
        name = os.fspath(path)
        beside = cls.path_beside(name)
        header, arrays = _parse(beside.read_bytes(), beside)
        found = cls(
            path=name,
            file_size=header["file_size"],
            mtime_ns=header["mtime_ns"],
            offsets=arrays[0],
            lengths=arrays[1],
            feature=header["feature"],
            steps=arrays[2] if len(arrays) == 3 else None,
        )
        found._check_state(os.stat(name))
        return found

    def _check_state(self, now: os.stat_result) -> None:
        """Checks that a file, of which this is the state, is as it was when it was indexed.

        Raises:
            CorruptRecordError: its size or its time of change is another.
        """
        for what, stored, found in (
            ("size in bytes", self.file_size, now.st_size),
            ("time of change in ns", self.mtime_ns, now.st_mtime_ns),
        ):
            if stored != found:
                raise _refused(
                    f"the index is of another state of the file: expected {stored} as its {what}, "
                    f"found {found}",
                    self.path_beside(self.path),
                )

    def save(self) -> Path:
        """Keeps the index beside its file, and gives the path of it.

        Raises:
            OSError: it cannot be written there.
        """
        header = json.dumps(
            {
                "file_size": self.file_size,
                "mtime_ns": self.mtime_ns,
                "num_records": len(self),
                "feature": self.feature,
            }
        ).encode()
        arrays = [self.offsets, self.lengths, *([] if self.steps is None else [self.steps])]
        data = b"".join(
            [
                _MAGIC,
                _SIZE.pack(len(header)),
                header,
                *(array.astype(_NUMBERS).tobytes() for array in arrays),
            ]
        )
        beside = self.path_beside(self.path)
        file = NewFile(beside)
        file.write(data)
        file.write(_SIZE.pack(masked_crc32c(data)))
        file.seal()
        file.publish()
        return beside

    def __len__(self) -> int:
        return len(self.offsets)


def _steps_of(block: RecordBlock, feature: str) -> NDArray[np.int64]:
    steps = count_steps(block.buffer, block.starts, block.lengths, feature.encode())
    malformed = np.flatnonzero(steps < 0)
    if len(malformed):
        raise FeatureError(
            "the record is no SequenceExample and no Example",
            at=f"{block.path} @ byte {block.frame_offsets[malformed[0]]}",
        )
    return steps


def _joined(arrays: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(arrays) if arrays else np.empty(0, np.int64)


def _parse(data: bytes, path: Path) -> tuple[dict[str, Any], list[NDArray[np.int64]]]:
    """The header and the arrays of an index.

    Raises:
        CorruptRecordError: it is damaged.
    """
    if not data.startswith(_MAGIC):
        raise _refused("expected an index of records, found other bytes", path)
    body, stored = data[: -_SIZE.size], data[-_SIZE.size :]
    if _SIZE.pack(masked_crc32c(body)) != stored:
        raise _refused("the checksum of the index does not fit its bytes", path)
    begin = len(_MAGIC) + _SIZE.size
    (header_size,) = _SIZE.unpack_from(body, len(_MAGIC))
    try:
        header = json.loads(body[begin : begin + header_size])
        numbers = np.frombuffer(body, _NUMBERS, offset=begin + header_size).astype(np.int64)
        num_arrays = 2 if header["feature"] is None else 3
        return header, list(numbers.reshape(num_arrays, header["num_records"]))
    except (ValueError, TypeError, KeyError) as error:  # the checksum is right: made so on purpose
        raise _refused("the index is not laid out as one", path) from error


def _refused(problem: str, path: Path) -> CorruptRecordError:
    return CorruptRecordError(
        problem, at=str(path), hint="build it again: `varlen index`, or RecordIndex.build"
    )
