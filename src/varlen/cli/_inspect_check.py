"""`varlen inspect --check`: every damage and every record that does not fit, with its byte."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from varlen.cli._inspection import FoundFile, FoundRecords, read_records
from varlen.cli._progress import byte_bar
from varlen.cli._text import printable
from varlen.features import (
    FeatureCounts,
    FeatureSchema,
    Profile,
    Schema,
    float32,
    int64,
    string,
)

# By number, as `FeatureCounts` has them.
_KINDS = (None, string, float32, int64)


class Problem(NamedTuple):
    """Damage of a file, or a record that does not fit.

    Attributes:
        file: the file.
        byte: at which the damage, or the record, begins; of a compressed file, of its uncompressed
            bytes.
        record: the number of the record among the sound ones of the file, from 0; None for damage.
        num_bytes: how many bytes are lost; None if a record does not fit.
        path: the feature and step that do not fit; empty if it is the whole record.
        problem: what was expected and what was found.
    """

    file: FoundFile
    byte: int
    record: int | None
    num_bytes: int | None
    path: str
    problem: str

    def __str__(self) -> str:
        what = f"{self.num_bytes} bytes lost" if self.record is None else f"record {self.record}"
        path = f": {printable(self.path)}" if self.path else ""
        place = printable(self.file.place(self.byte))
        return f"{place}, {what}{path}: {printable(self.problem)}"

    def as_json(self) -> dict[str, Any]:
        """The problem as a JSON object."""
        return {
            "file": self.file.path,
            "byte": self.byte,
            "record": self.record,
            "num_bytes": self.num_bytes,
            "path": self.path,
            "problem": self.problem,
        }


def check_files(paths: Sequence[str], schema: Schema | None, *, as_json: bool) -> bool:
    """Checks files and prints every problem, and in the end how many there are.

    Args:
        paths: the files.
        schema: what every record is to fit; None checks that every record is a SequenceExample or
            an Example, and every feature of one kind throughout.
        as_json: prints a JSON object.

    Returns:
        Whether all is sound.

    Raises:
        OSError: a file cannot be read.
        FeatureError: there are too many names of features.
    """
    files = [FoundFile(path) for path in paths]
    problems: list[dict[str, Any]] = []
    num_damaged = num_misfits = 0
    with byte_bar("check", paths) as advance:
        for problem in _problems(files, schema, advance):
            num_damaged += problem.num_bytes is not None
            num_misfits += problem.num_bytes is None
            if as_json:
                problems.append(problem.as_json())
            else:
                print(problem)
    num_records = sum(file.num_records for file in files)
    sound = not num_damaged and not num_misfits
    if as_json:
        described = {
            "sound": sound,
            "files": len(files),
            "records": num_records,
            "problems": problems,
        }
        print(json.dumps(described, indent=2))
        return sound
    print(f"{num_records:,} sound records in {len(files):,} file{'s' * (len(files) != 1)}", end="")
    if sound:
        fits = "each feature is of one kind" if schema is None else "all records fit the schema"
        print(f": no damage, and {fits}")
    else:
        print(f"; damaged places: {num_damaged:,}; misfits: {num_misfits:,}")
    return sound


def _problems(
    files: Sequence[FoundFile], schema: Schema | None, advance: Callable[[int], None]
) -> Iterator[Problem]:
    profile = Profile()
    kinds = _Kinds()
    for file in files:
        num_reported = 0
        for records in read_records(file, profile, advance):
            yield from _damage(file, num_reported)
            num_reported = len(file.lost)
            if schema is None:
                kinds.learn(records.found.features)
            yield from _misfits(records, schema or kinds.schema)
        yield from _damage(file, num_reported)


def _damage(file: FoundFile, num_reported: int) -> Iterator[Problem]:
    for lost in file.lost[num_reported:]:
        yield Problem(file, lost.offset, None, lost.num_bytes, "", lost.problem)


def _misfits(records: FoundRecords, schema: Schema) -> Iterator[Problem]:
    for misfit in schema.misfits(records.data, records.found):
        offset, number = int(records.offsets[misfit.message]), records.begin + misfit.message
        yield Problem(records.file, offset, number, None, misfit.path, misfit.problem)


class _Kinds:
    """A schema that knows of every feature the kind that it had first, and no more."""

    def __init__(self) -> None:
        self.schema = Schema()

    def learn(self, features: Sequence[FeatureCounts]) -> None:
        for counts in features:
            section = self.schema.feature_lists if counts.is_list else self.schema.context
            known = section.get(counts.name)
            if known is None or known.kind is None:
                section[counts.name] = FeatureSchema(_first_kind(counts))


def _first_kind(counts: FeatureCounts) -> Any:
    numbers = [number for number in (1, 2, 3) if counts.num_of_kind[number]]
    return _KINDS[min(numbers, key=lambda number: counts.first[number], default=0)]
