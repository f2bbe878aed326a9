"""Which format a file has, by its name."""

import re
from collections.abc import Sequence

from varlen.errors import ConfigError, did_you_mean

RECORDS = "tfrecord"
TABLES = ("csv", "tsv")
_TEXT = ("jsonl", "csv", "tsv", "conllu", "txt", RECORDS)  # may be gzip

_SUFFIXES = {
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
    "csv": "csv",
    "tsv": "tsv",
    "conllu": "conllu",
    "parquet": "parquet",
    "arrow": "arrow",
    "feather": "arrow",
    "npz": "npz",
    "txt": "txt",
    "tfrecord": RECORDS,
    "tfrecords": RECORDS,
}
FORMATS = tuple(dict.fromkeys(_SUFFIXES.values()))


def format_of(name: str) -> str | None:
    """The format of a file of this name; None if it does not say."""
    found = re.search(r"\.([a-z]+)(\.gz)?$", name.lower())
    if not found:
        return None
    known = _SUFFIXES.get(found[1])
    return known if not found[2] or known in _TEXT else None


def input_format(paths: Sequence[str], given: str | None) -> str:
    """The format of all of these files.

    Raises:
        ConfigError: there is no such format, or the names do not tell one.
    """
    if given is not None:
        return _checked("--from", given, FORMATS)
    formats = {format_of(path): path for path in paths}
    if None in formats:
        raise ConfigError(
            "cannot tell the format of the file by its name",
            at="standard input" if formats[None] == "-" else formats[None],
            hint=f"say --from, with one of {', '.join(FORMATS)}",
        )
    if len(formats) > 1:
        (one, first), (other, second), *_ = formats.items()
        raise ConfigError(
            f"expected files of one format, found {one} ({first}) and {other} ({second})",
            hint="convert them one after the other, or say --from",
        )
    return str(next(iter(formats)))


def output_format(out: str, given: str | None, source: str) -> str:
    """The format to write.

    Args:
        out: the name of the output.
        given: what the user said.
        source: the format of the input.

    Raises:
        ConfigError: there is no such format, the name does not tell one, it cannot be made of the
            input, or it cannot be written there.
    """
    allowed = ("jsonl", "parquet") if source == RECORDS else (RECORDS,)
    if given is not None:
        found = _checked("--to", given, (RECORDS, "jsonl", "parquet"))
    elif source != RECORDS:
        found = format_of(out) or RECORDS
    else:
        found = ("jsonl" if out == "-" else format_of(out)) or ""
    if found not in allowed:
        made = "JSON Lines or Parquet" if source == RECORDS else "a folder of record files"
        raise ConfigError(
            f"of {source}, expected to make {made}, found {found or 'no format'}",
            at=out,
            hint="name OUT .jsonl, .jsonl.gz or .parquet, or say --to"
            if source == RECORDS
            else "convert to record files first, and these to what you want",
        )
    if found == RECORDS and out == "-":
        raise ConfigError("expected a folder to write record files to, found the standard output")
    if "://" in out:
        raise ConfigError("expected a local file or folder to write to, found a URL", at=out)
    return found


def _checked(option: str, given: str, allowed: Sequence[str]) -> str:
    if given not in allowed:
        raise ConfigError(f"{option}: no format {given!r}", hint=did_you_mean(given, allowed))
    return given
