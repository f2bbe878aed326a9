"""Record files into JSON Lines or Parquet."""

import gzip
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from varlen.cli._inputs import local_files, progress_bar
from varlen.cli._whole import check_file, whole_file
from varlen.errors import ConfigError
from varlen.formats import Kind, RecordFiles, Row, write_json_lines, write_parquet

_STANDARD_OUTPUT = "-"


class Exported(NamedTuple):
    """What came of a conversion.

    Attributes:
        out: where it went.
        records: how many there were.
        features: the kind of each.
    """

    out: str
    records: int
    features: dict[str, Kind]


def convert_from_records(
    paths: Sequence[str], target: str, out: str, *, overwrite: bool
) -> Exported:
    """Reads record files and writes one file of the format `target`, with a bar on a terminal.

    Raises:
        ConfigError: there is something at `out` that is not to be lost, or it is the standard
            output, which is for JSON Lines only.
        What `RecordFiles` and the writer of the format raise.
    """
    to_stdout = out == _STANDARD_OUTPUT
    if to_stdout and target != "jsonl":
        raise ConfigError("expected a file to write Parquet to, found the standard output")
    if not to_stdout:
        check_file(Path(out), overwrite=overwrite)
    with local_files(paths, pipes_too=True) as local, progress_bar(local, 2) as progress:
        files = RecordFiles(local)
        kinds = dict(files.kinds(progress))
        rows = _Counted(files.rows(progress))
        if to_stdout:
            write_json_lines(sys.stdout.buffer, rows)
        else:
            with whole_file(Path(out)) as beside:
                _write(beside, rows, kinds, target, is_gzip=out.endswith(".gz"))
    return Exported(out, rows.count, kinds)


class _Counted:
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.count = 0
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _write(
    path: Path, rows: Iterable[Row], kinds: dict[str, Kind], target: str, *, is_gzip: bool
) -> None:
    if target == "parquet":
        write_parquet(str(path), rows, kinds)
    elif is_gzip:
        # Without name and time, the same records give the same bytes.
        with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            write_json_lines(packed, rows)
    else:
        with path.open("wb") as file:
            write_json_lines(file, rows)
