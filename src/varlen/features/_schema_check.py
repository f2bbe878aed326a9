"""Records that do not fit a schema, found by their profiles and explained by their messages."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from varlen.errors import FeatureError, did_you_mean

from ._batch_profile import BatchProfile, profile_batch
from ._feature_schema import Extent, Features, FeatureSchema
from ._kinds import FIELD_NUMBERS, FIELDS, field_name, float32, int64, kind_name, string
from ._messages import read_features
from ._profile_twin import FeatureCounts

_SECTIONS = ("context", "feature_lists")
_WHAT = {"context": "context feature", "feature_lists": "feature list"}


class Misfit(NamedTuple):
    """Where a record does not fit a schema.

    Attributes:
        message: the number of the record.
        path: the feature, and the step if it is in one: "feature_lists.tokens[12]"; empty for a
            record that is no SequenceExample and no Example.
        problem: what was expected and what was found.
    """

    message: int
    path: str
    problem: str


def find_misfits(
    sections: dict[str, Features], serialized: Sequence[Any], profile: BatchProfile | None = None
) -> Iterator[Misfit]:
    """The misfits of some records, in their order; of each feature of a record, the first.

    A batch whose profile fits is done with; another one is halved.
    """
    yield from _find(sections, serialized, 0, profile or profile_batch(serialized))


def _find(
    sections: dict[str, Features], serialized: Sequence[Any], begin: int, profile: BatchProfile
) -> Iterator[Misfit]:
    if _fits(sections, len(serialized), profile):
        return
    if len(serialized) == 1:
        yield from explain(sections, serialized[0], begin)
        return
    middle = len(serialized) // 2
    for half, at in ((serialized[:middle], begin), (serialized[middle:], begin + middle)):
        yield from _find(sections, half, at, profile_batch(half))


def _fits(sections: dict[str, Features], num_messages: int, profile: BatchProfile) -> bool:
    if len(profile.malformed):
        return False
    num_found = {(f.is_list, f.name): len(f.lengths) for f in profile.features}
    for is_list, section in enumerate(_SECTIONS):
        for name, schema in sections[section].items():
            if schema.required and num_found.get((bool(is_list), name)) != num_messages:
                return False
    for found in profile.features:
        known = sections[_SECTIONS[found.is_list]].get(found.name)
        if known is None or not _feature_fits(known, found):
            return False
    return True


def _feature_fits(schema: FeatureSchema, found: FeatureCounts) -> bool:
    of_kinds = {string: found.bytes, float32: found.floats, int64: found.int64s}
    kinds = [kind for kind in of_kinds if found.num_of_kind[FIELD_NUMBERS[kind]]]
    if schema.kind is not None and any(kind != schema.kind for kind in kinds):
        return False
    if schema.num_values is not None and not schema.num_values.holds(found.sizes):
        return False
    if schema.num_steps is not None and len(found.lengths):
        lengths = int(found.lengths.min()), int(found.lengths.max())
        if not schema.num_steps.holds(lengths):
            return False
    if found.num_nans and not schema.nan:
        return False
    return schema.values is None or all(schema.values.holds(of_kinds[kind]) for kind in kinds)


def explain(sections: dict[str, Features], data: Any, number: int) -> Iterator[Misfit]:
    """The misfits of one record, by its message: what fits here, fits everywhere."""
    try:
        there = read_features(data)._asdict()
    except FeatureError:
        yield Misfit(number, "", "expected a SequenceExample or an Example, found other bytes")
        return
    for section, features in sections.items():
        found = there[section]
        for name in sorted({*features, *found}):
            path = f"{section}.{name}"
            if name not in features:
                hint = did_you_mean(name, features) if len(features) <= 20 else ""
                problem = f"expected no {_WHAT[section]} of this name" + (hint and f": {hint}")
                yield Misfit(number, path, problem)
                continue
            if section == "context":
                problem_at = _feature_problem(features[name], found.get(name))
            else:
                problem_at = _list_problem(features[name], found.get(name))
            if problem_at is not None:
                problem, step = problem_at
                yield Misfit(number, path + ("" if step is None else f"[{step}]"), problem)


_Problem = tuple[str, int | None]


def _feature_problem(schema: FeatureSchema, feature: Any) -> _Problem | None:
    if feature is None or feature.WhichOneof("kind") is None:
        return ("expected it in every record, found none", None) if schema.required else None
    problem = _values_problem(schema, feature)
    return None if problem is None else (problem, None)


def _list_problem(schema: FeatureSchema, steps: Any) -> _Problem | None:
    if steps is None:
        return ("expected it in every record, found none", None) if schema.required else None
    count = len(steps.feature)
    if schema.num_steps is not None and not schema.num_steps.holds((count, count)):
        return f"expected {extent_text(schema.num_steps)} steps, found {count}", None
    for step, feature in enumerate(steps.feature):
        problem = _values_problem(schema, feature)
        if problem is not None:
            return problem, step
    return None


def _values_problem(schema: FeatureSchema, feature: Any) -> str | None:
    field = feature.WhichOneof("kind")
    if field is not None and schema.kind is not None and field != FIELDS[schema.kind]:
        return f"expected {kind_name(schema.kind)}, found {field_name(field)}"
    values = () if field is None else getattr(feature, field).value
    if schema.num_values is not None and not schema.num_values.holds((len(values), len(values))):
        return f"expected {extent_text(schema.num_values)} values, found {len(values)}"
    of_bytes = field == FIELDS[string]
    for value in values:
        if value != value:
            if not schema.nan:
                return "expected no NaN, found one"
            continue
        number = len(value) if of_bytes else value
        if schema.values is not None and not schema.values.holds((number, number)):
            if of_bytes:
                return f"expected {extent_text(schema.values)} bytes, found {number}"
            return f"expected a value of {extent_text(schema.values)}, found {number_text(value)}"
    return None


def extent_text(extent: Extent) -> str:
    """An extent for people: `3`, or `1 to 3`."""
    least, most = map(number_text, extent)
    return least if least == most else f"{least} to {most}"


def number_text(number: int | float) -> str:
    """A float as short as a float32 of the same value can be told from others."""
    return str(np.float32(number)) if isinstance(number, float) else str(number)
