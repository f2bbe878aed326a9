"""Record files, sound and damaged, and the checksums in them."""

import warnings
import zlib
from pathlib import Path

from varlen import _native
from varlen.errors import CorruptRecordError
from varlen.records import RecordReader

from .case import Case
from .reasons import LeftOut

# What a category of TensorFlow's becomes. Where its process died, ours says what is wrong.
ERRORS = {
    None: type(None),
    "DataLoss": CorruptRecordError,
    "NotFound": FileNotFoundError,
    "PROCESS_ABORT": CorruptRecordError,
}
WINDOW_BITS = {"GZIP": 31, "ZLIB": 15}


def covers_file(case: Case) -> None:
    for outcome in case.entry["readers"].values():
        if outcome["error"] not in ERRORS:
            raise AssertionError(f"error {outcome['error']!r} is not known")
    if all(outcome["error"] is None for outcome in case.entry["readers"].values()):
        _leave_out_unnoticed_damage(case)


def _leave_out_unnoticed_damage(case: Case) -> None:
    """Files that TensorFlow reads without complaint, and not to the end."""
    data = case.path(case.entry["tfrecord"]).read_bytes()
    compression = case.entry["compression"]
    if compression and data:
        stream = zlib.decompressobj(wbits=WINDOW_BITS[compression])
        data = stream.decompress(data)
        if not stream.eof:
            raise LeftOut("Q19 end")
        if stream.unused_data:
            raise LeftOut("Q19 rest")
    num_left = len(data) - sum(16 + len(record) for record in case.strings("records"))
    if 0 < num_left < 12:
        raise LeftOut("Q18")


def run_file(case: Case) -> None:
    path, compression = case.path(case.entry["tfrecord"]), case.entry["compression"] or None
    expected = case.strings("records").tolist()
    delivered, error = read(path, compression)
    for outcome in case.entry["readers"].values():
        assert type(error) is ERRORS[outcome["error"]], error
        count = outcome["read"]
        if count is None:  # nothing is known of a process that died
            continue
        assert delivered[:count] == expected[:count]
        # Where a compressed stream is damaged, TensorFlow drops a block; here more may come out.
        assert len(delivered) == count or (error is not None and compression)
    if error is None:
        assert read(path, "auto") == (delivered, None)
    if path.exists():
        _skip_loses_no_sound_record(path, compression, delivered, error)


def _skip_loses_no_sound_record(
    path: Path, compression: str | None, delivered: list[bytes], error: Exception | None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with RecordReader(path, compression=compression, on_corruption="skip") as reader:
            records = list(reader)
    assert records[: len(delivered)] == delivered
    assert (reader.lost == []) == (error is None)
    if not compression:
        found = sum(16 + len(record) for record in records)
        assert found + sum(place.num_bytes for place in reader.lost) == path.stat().st_size


def read(path: Path, compression: str | None) -> tuple[list[bytes], Exception | None]:
    delivered = []
    try:
        with RecordReader(path, compression=compression) as reader:
            for record in reader:
                delivered.append(record)
    except (CorruptRecordError, FileNotFoundError) as error:
        return delivered, error
    return delivered, None


def covers_checksums(case: Case) -> None:
    pass


def run_checksums(case: Case) -> None:
    for i, data in enumerate(case.strings("data")):
        assert _native.crc32c(data) == case.arrays["crc32c"][i]
        assert _native.masked_crc32c(data) == case.arrays["masked"][i]
