"""The findings of `varlen inspect`, for people or for programs."""

import json
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.cli._histogram import draw, histogram
from varlen.cli._inspection import FoundFile, Inspection
from varlen.cli._padding import BATCH_SIZE, Padding, padding_of
from varlen.cli._shared import percent
from varlen.cli._text import printable, shortened, table, terminal_width
from varlen.errors import ConfigError, FeatureError, did_you_mean
from varlen.features import FeatureProfile, Profile, Schema, float32, int64, string

_PIPE_WIDTH = 80  # of bars, where there is no terminal to fill
_MOST_FILES = 20
_MOST_FEATURES = 100
_MOST_PLACES = 5
_LONGEST_NAME = 40
_KIND_NAMES = {int64: "int64", float32: "float32", string: "string"}
_SECTIONS = ("context", "feature_lists")


class Lengths(NamedTuple):
    """How long the records are, by one feature.

    Attributes:
        section: where it is: "context" or "feature_lists".
        name: of the feature.
        lengths: of each record that has it, in order: its steps, or values.
    """

    section: str
    name: str
    lengths: npt.NDArray[np.int64]


def main_lengths(inspection: Inspection, feature: str | None) -> Lengths | None:
    """The lengths of the feature that is asked for, or else of the one with the most steps.

    Without feature lists, it is the context feature with the most values, of those that do not have
    the same number in every record. None if there is none of these.

    Raises:
        ConfigError: no record has this feature.
    """
    profile = inspection.profile
    if inspection.indexed is not None:
        feature, lengths = inspection.indexed
        return Lengths(
            "feature_lists" if feature in profile.feature_lists else "context", feature, lengths
        )
    lists, context = profile.feature_lists, profile.context
    if feature is not None:
        if feature not in lists and feature not in context:
            raise ConfigError(
                f"no record has a feature named {feature!r}",
                at="--feature",
                hint=did_you_mean(feature, list({**lists, **context})[:_MOST_FEATURES]),
            )
        section = "feature_lists" if feature in lists else "context"
    elif longest_list := _longest(lists):
        section, feature = "feature_lists", longest_list
    else:
        section = "context"
        feature = _longest({name: found for name, found in context.items() if _varies(found)})
    if feature is None:
        return None
    return Lengths(section, feature, getattr(profile, section)[feature].lengths)


def print_report(inspection: Inspection, lengths: Lengths | None) -> None:
    """Prints the findings for people."""
    width = terminal_width()
    blocks = [
        _file_lines(inspection.files, width),
        _damage_lines(inspection.files),
        _feature_lines(inspection, width),
        [] if lengths is None else _length_lines(lengths, width or _PIPE_WIDTH),
    ]
    print("\n\n".join("\n".join(lines) for lines in blocks if lines))


def print_json(inspection: Inspection, lengths: Lengths | None) -> None:
    """Prints the findings as a JSON object."""
    files = inspection.files
    described: dict[str, Any] = {
        "files": [_file_as_json(file) for file in files],
        "records": sum(file.num_records for file in files),
        "bytes": sum(file.num_bytes for file in files),
        "sampled": None if inspection.indexed is None else inspection.profile.num_records,
    }
    try:
        described["schema"] = json.loads(Schema.from_profile(inspection.profile).to_json())
    except FeatureError as error:
        described |= {"schema": None, "schema_problem": str(error)}
    described |= {"lengths": None, "padding": None}
    if lengths is not None and len(lengths.lengths):
        described["lengths"] = {
            "feature": lengths.name,
            "in": lengths.section,
            **_statistics(lengths.lengths),
            "histogram": [
                {"min": b.least, "max": b.most, "records": b.num_records}
                for b in histogram(lengths.lengths)
            ],
        }
        described["padding"] = {"batch_size": BATCH_SIZE, **padding_of(lengths.lengths)._asdict()}
    print(json.dumps(described, indent=2))


def _longest(features: dict[str, FeatureProfile]) -> str | None:
    totals = {name: int(found.lengths.sum()) for name, found in sorted(features.items())}
    longest = max(totals, key=totals.__getitem__, default=None)
    return longest if longest is not None and totals[longest] else None


def _varies(feature: FeatureProfile) -> bool:
    extent = feature.num_values
    return extent is not None and extent.least < extent.most


def _file_lines(files: list[FoundFile], width: int | None) -> list[str]:
    rows = [_file_row(printable(file.path), [file]) for file in files[:_MOST_FILES]]
    if len(files) > _MOST_FILES:
        rows.append(_file_row(f"{len(files) - _MOST_FILES} more", files[_MOST_FILES:]))
    if len(files) > 1:
        rows.append(_file_row(f"{len(files)} files", files))
    return table(["file", "records", "bytes", "compression"], rows, left=1, width=width)


def _file_row(name: str, files: list[FoundFile]) -> list[str]:
    compressions = sorted({file.compression or "none" for file in files})
    return [
        name,
        f"{sum(file.num_records for file in files):,}",
        f"{sum(file.num_bytes for file in files):,}",
        ", ".join(compressions),
    ]


def _damage_lines(files: list[FoundFile]) -> list[str]:
    places = [
        f"  {printable(file.place(lost.offset))}, {lost.num_bytes:,} bytes: {lost.problem}"
        for file in files
        for lost in file.lost
    ]
    lines = []
    if places:
        num_bytes = sum(lost.num_bytes for file in files for lost in file.lost)
        lines = [f"damaged places: {len(places):,}, with {num_bytes:,} bytes lost"]
        lines += places[:_MOST_PLACES]
        if len(places) > _MOST_PLACES:
            lines.append(f"  and {len(places) - _MOST_PLACES:,} more, which --check lists")
        if not any(file.num_records for file in files):
            lines.append("  no record is sound: this may be no TFRecord file")
        else:
            lines.append("  `varlen repair` saves the sound records")
    num_malformed = sum(file.num_malformed for file in files)
    if num_malformed:
        first = next(file.malformed for file in files if file.malformed)
        lines.append(
            f"records that are no SequenceExample and no Example: {num_malformed:,}, "
            f"the first at {printable(first)}"
        )
    return lines


def _feature_lines(inspection: Inspection, width: int | None) -> list[str]:
    profile = inspection.profile
    rows = [
        _feature_row(name, section, feature, profile)
        for section in _SECTIONS
        for name, feature in sorted(getattr(profile, section).items())
    ]
    if not rows:
        return []
    header = ["feature", "in", "kind", "records", "length", "median", "per step", "range"]
    lines = table(header, rows[:_MOST_FEATURES], left=3, width=width)
    if len(rows) > _MOST_FEATURES:
        lines.append(f"and {len(rows) - _MOST_FEATURES:,} more")
    if inspection.indexed is not None:
        lines.append(
            f"(of {profile.num_records:,} records from all over the files; the lengths below are "
            "those of all records, from the indexes)"
        )
    return lines


def _feature_row(name: str, section: str, feature: FeatureProfile, profile: Profile) -> list[str]:
    lengths = feature.lengths
    is_list = section == "feature_lists"
    extent = (int(lengths.min()), int(lengths.max())) if len(lengths) else None
    return [
        _name_text(name),
        "lists" if is_list else "context",
        ", ".join(name for kind, name in _KIND_NAMES.items() if kind in feature.first) or "none",
        "all" if feature.num_records == profile.num_records else f"{feature.num_records:,}",
        _extent_text(extent),
        f"{_median(lengths):,}" if len(lengths) else "",
        _extent_text(feature.num_values) if is_list else "",
        _range_text(feature),
    ]


def _name_text(name: str) -> str:
    return shortened(printable(name), _LONGEST_NAME) or '""'


def _range_text(feature: FeatureProfile) -> str:
    ranges = []
    for kind, extent in feature.values.items():
        if kind == float32:
            least, most = (f"{number:.4g}" for number in extent)
            ranges.append(least if least == most else f"{least} to {most}")
        else:
            ranges.append(_extent_text(extent) + (" bytes" if kind == string else ""))
    if feature.num_nans:
        ranges.append(f"{feature.num_nans:,} NaN")
    return ", ".join(ranges)


def _extent_text(extent: tuple[int | float, int | float] | None) -> str:
    if extent is None:
        return ""
    least, most = extent
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _length_lines(lengths: Lengths, width: int) -> list[str]:
    found = lengths.lengths
    what = "steps" if lengths.section == "feature_lists" else "values"
    name = _name_text(lengths.name)
    if not len(found):
        return [f"{what} of {name}: in no record"]
    statistics = _statistics(found)
    lines = [
        f"{what} of {name}: {statistics['total']:,} in {statistics['records']:,} records; "
        f"mean {statistics['mean']:.1f}, median {statistics['median']:,}, "
        f"99 % at most {statistics['p99']:,}",
        *draw(histogram(found), width, unicode=is_unicode()),
    ]
    return [*lines, "", *_padding_lines(padding_of(found), name)]


def _padding_lines(padding: Padding, name: str) -> Iterator[str]:
    yield f"padding of {name} in batches of {BATCH_SIZE}"
    yield f"  in the order of the files  {percent(padding.file_order):>8}"
    if padding.boundaries:
        boundaries = ", ".join(map(str, padding.boundaries))
        yield f"  in buckets by length       {percent(padding.buckets):>8}  boundaries {boundaries}"


def _statistics(lengths: npt.NDArray[np.int64]) -> dict[str, Any]:
    return {
        "records": len(lengths),
        "total": int(lengths.sum()),
        "min": int(lengths.min()),
        "mean": round(float(lengths.mean()), 3),
        "median": _median(lengths),
        "p99": int(np.quantile(lengths, 0.99, method="higher")),
        "max": int(lengths.max()),
    }


def _median(lengths: npt.NDArray[np.int64]) -> int:
    """The lower median."""
    return int(np.quantile(lengths, 0.5, method="lower"))


def _file_as_json(file: FoundFile) -> dict[str, Any]:
    return {
        "file": file.path,
        "records": file.num_records,
        "bytes": file.num_bytes,
        "compression": file.compression,
        "lost": [lost._asdict() for lost in file.lost],
        "malformed": file.num_malformed,
    }


def is_unicode() -> bool:
    """Whether the standard output takes more than ASCII."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
