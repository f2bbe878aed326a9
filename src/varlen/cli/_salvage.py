"""The sound records of a damaged file, written to another."""

import json
import os
import warnings
from typing import NamedTuple

from varlen.cli._progress import byte_bar
from varlen.errors import ConfigError, CorruptRecordError
from varlen.records import LostBytes, RecordReader, RecordWriter

_MOST_NAMED = 20


class Salvage(NamedTuple):
    """What came of a damaged file.

    Attributes:
        file: the damaged file.
        out: where its sound records went.
        compression: "GZIP", "ZLIB" or None, of both.
        records: how many they are.
        lost: the damaged places; in a compressed file, of its uncompressed bytes.
    """

    file: str
    out: str
    compression: str | None
    records: int
    lost: list[LostBytes]


def check_out(file: str, out: str, *, overwrite: bool) -> None:
    """Says, before any work, whether `salvage` may write there.

    Raises:
        ConfigError: there is something that is not to be lost.
    """
    if not os.path.exists(out):
        return
    if os.path.exists(file) and os.path.samefile(file, out):
        raise ConfigError("expected another file to write to, found the damaged one", at=out)
    if not overwrite:
        raise ConfigError(
            "the file is there already", at=out, hint="give another one, or --overwrite to lose it"
        )


def salvage(file: str, out: str) -> Salvage:
    """Writes the sound records of `file` to `out`, with a bar on a terminal.

    Raises:
        OSError: a file cannot be read or written.
        CorruptRecordError: no record is sound.
    """
    num_records = num_bytes = 0
    with (
        byte_bar("repair", [file]) as advance,
        warnings.catch_warnings(action="ignore"),  # of what is printed in the end
        RecordReader(file, on_corruption="skip") as reader,
        RecordWriter(out, compression=reader.compression) as writer,
    ):
        for block in reader.blocks():
            writer.write_many(block.data())
            num_records += len(block.lengths)
            advance(reader.num_bytes_read - num_bytes)
            num_bytes = reader.num_bytes_read
        if reader.lost and not num_records:
            raise CorruptRecordError(
                "found no sound record", at=file, hint="this may not be a TFRecord file"
            )
    return Salvage(file, out, reader.compression, num_records, reader.lost)


def print_salvage(found: Salvage, *, as_json: bool) -> None:
    """Prints what was saved and what was lost, in words or as a JSON object."""
    if as_json:
        places = [place._asdict() for place in found.lost]
        print(json.dumps({**found._asdict(), "lost": places}, indent=2))
        return
    print(f"{found.records:,} sound records in {found.out}")
    if not found.lost:
        print("no damage was found")
        return
    num_bytes = sum(place.num_bytes for place in found.lost)
    print(f"lost: {num_bytes:,} bytes; damaged places: {len(found.lost):,}")
    stream = "" if found.compression is None else " of the uncompressed stream"
    for place in found.lost[:_MOST_NAMED]:
        print(f"  @ byte {place.offset}{stream}, {place.num_bytes} bytes: {place.problem}")
    if len(found.lost) > _MOST_NAMED:
        print(f"  and {len(found.lost) - _MOST_NAMED:,} more, which --json lists")
