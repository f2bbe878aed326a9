"""Messages parsed by specifications: one at a time, in batches, and into ragged values.

A message counts as equal if its outcome is the recorded one; or, if TensorFlow's scanner is known
to misread such bytes (see `wire`), if it is that of the plain message which the bytes stand for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jaxtyping

from varlen import features
from varlen.sequences import RaggedValues, SparseValues

from .case import Case, assert_equal
from .reasons import LeftOut
from .report import REPORT
from .wire import is_plain, plain_form

SPECS = {
    name: getattr(features, name)
    for name in (
        "FixedLenFeature",
        "FixedLenSequenceFeature",
        "RaggedFeature",
        "SparseFeature",
        "VarLenFeature",
    )
}
# What InvalidArgument says of a message is a FeatureError here, which is a ValueError, and of a
# specification a ValueError.
ERRORS = {"InvalidArgument": ValueError, "ValueError": ValueError, "TypeError": TypeError}
SPEC_FIELDS = ("features", "context_features", "sequence_features")

# How each function is called with a batch, and the message that it reads.
Call = Callable[[list[bytes], list[Any]], dict[str, Any]]
CALLS: dict[str, tuple[Call, str]] = {
    "parse_example": (lambda data, specs: features.parse_example(data, *specs), "Example"),
    "parse_single_example": (
        lambda data, specs: features.parse_single_example(*data, *specs),
        "Example",
    ),
    "parse_sequence_example": (
        lambda data, specs: _by_part(features.parse_sequence_example(data, *specs)),
        "SequenceExample",
    ),
    "parse_single_sequence_example": (
        lambda data, specs: _by_part(features.parse_single_sequence_example(*data, *specs)),
        "SequenceExample",
    ),
}


def covers(case: Case) -> None:
    for name in case.entry.get("outcomes", ()):
        if name not in CALLS:
            raise AssertionError(f"{name} is not known")
    for spec in _described(case).values():
        if spec["type"] not in SPECS:
            raise AssertionError(f"{spec['type']} is not known")
    _check_keys_asked_for_twice(case.entry.get("features") or {})


def covers_sequence_batch(case: Case) -> None:
    covers(case)
    context = case.entry["context_features"] or {}
    has_fixed = any(spec["type"] == "FixedLenFeature" for spec in context.values())
    if has_fixed and len(case.arrays["serialized.offsets"]) == 1:
        raise LeftOut("Q23")


def _check_keys_asked_for_twice(described: dict[str, dict[str, Any]]) -> None:
    for name, spec in described.items():
        if spec["type"] != "SparseFeature":
            continue
        index_key = spec["index_key"]
        keys = [spec["value_key"], *([index_key] if isinstance(index_key, str) else index_key)]
        for key in keys:
            if key > name and described.get(key, {}).get("type") == "VarLenFeature":
                raise LeftOut("Q21")


def run(case: Case) -> None:
    """One call for each message."""
    serialized = case.strings("serialized").tolist()
    for name, outcomes in case.entry["outcomes"].items():
        if isinstance(outcomes, dict):
            _check_refused(case, name, serialized, outcomes)
            continue
        for number, (data, outcome) in enumerate(zip(serialized, outcomes, strict=True)):
            _check(case, name, [data], outcome, f"{name}/{number:03}/")


def run_example_batch(case: Case) -> None:
    serialized = case.strings("serialized").tolist()
    _check(case, "parse_example", serialized, _code(case.entry["outcome"]), "out/")


def run_sequence_batch(case: Case) -> None:
    serialized = case.strings("serialized").tolist()
    _check(case, "parse_sequence_example", serialized, _code(case.entry["outcome"]), "")


def run_ragged(case: Case) -> None:
    """One call for all messages, and one for each."""
    serialized = case.strings("serialized").tolist()
    for name, outcomes in case.entry["outcomes"].items():
        if isinstance(outcomes, dict):
            _check_refused(case, name, serialized, outcomes)
        elif name == "parse_example":
            _check(case, name, serialized, *outcomes, f"{name}/")
        else:
            for number, (data, outcome) in enumerate(zip(serialized, outcomes, strict=True)):
                _check(case, name, [data], outcome, f"{name}/{number:03}/")


def _code(outcome: dict[str, str] | None) -> str | None:
    return None if outcome is None else outcome["code"] or outcome["type"]


def _check_refused(case: Case, name: str, serialized: list[bytes], outcome: Any) -> None:
    """The call is refused before any message is looked at."""
    call, _ = CALLS[name]
    with _annotations_unchecked():
        error = _result(lambda: call(serialized[:1], _specs(case)))
    assert type(error) is ERRORS[outcome["type"] or outcome["code"]], error


def _check(
    case: Case, name: str, serialized: list[bytes], outcome: str | None, prefix: str
) -> None:
    call, message = CALLS[name]
    specs = _specs(case)
    found = _result(lambda: call(serialized, specs))
    try:
        if outcome is None:
            _compare(case, found, prefix)
        else:
            assert isinstance(found, ERRORS[outcome]), f"{prefix}: expected {outcome}"
    except AssertionError:
        if all(is_plain(data, message) for data in serialized):
            raise
        REPORT.misread[case.kind] += 1
        plain = [plain_form(data, message) for data in serialized]
        expected = _result(lambda: call(plain, specs)) if None not in plain else ValueError()
        _assert_same(found, expected, prefix)


def _result(call: Callable[[], dict[str, Any]]) -> dict[str, Any] | Exception:
    """What a call returns, by key, or its error."""
    try:
        return dict(_flat("", call()))
    except (TypeError, ValueError) as error:
        return error


def _by_part(parts: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return dict(zip(("context", "sequence", "lengths"), parts, strict=False))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The arrays of a nested result, named as in the case files."""
    if isinstance(value, SparseValues | RaggedValues):
        value = value._asdict()
    if isinstance(value, tuple):
        value = {str(k): part for k, part in enumerate(value)}
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(f"{prefix}/{name}" if prefix else name, part)
    else:
        yield prefix, value


def _compare(case: Case, found: dict[str, Any] | Exception, prefix: str) -> None:
    assert isinstance(found, dict), f"{prefix}: {found}"
    assert {prefix + key for key in found} == _keys(case, prefix)
    for key, value in found.items():
        name = prefix + key
        expected = case.arrays[name] if name in case.arrays else case.strings(name)
        assert value.dtype == expected.dtype, name
        assert_equal(value, expected, name)


def _keys(case: Case, prefix: str) -> set[str]:
    """The results recorded under a prefix. Strings take up to three arrays each."""
    keys = {key for key in case.arrays if key.startswith(prefix)}
    for suffix in (".bytes", ".offsets", ".shape"):
        keys = {key.removesuffix(suffix) for key in keys}
    return keys - {"serialized"}


def _assert_same(found: Any, expected: Any, what: str) -> None:
    assert isinstance(found, dict) == isinstance(expected, dict), f"{what}: {found} {expected}"
    if isinstance(found, dict):
        assert found.keys() == expected.keys(), what
        for key, value in found.items():
            assert_equal(value, expected[key], f"{what}{key}")


def _described(case: Case) -> dict[str, dict[str, Any]]:
    return {
        f"{field}/{name}": spec
        for field in SPEC_FIELDS
        for name, spec in (case.entry.get(field) or {}).items()
    }


def _specs(case: Case) -> list[dict[str, Any] | None]:
    return [
        {name: _spec(**described) for name, described in case.entry[field].items()}
        if case.entry[field] is not None
        else None
        for field in SPEC_FIELDS
        if field in case.entry
    ]


def _spec(type: str, **arguments: Any) -> Any:
    if "partitions" in arguments:
        arguments["partitions"] = [
            getattr(features.RaggedFeature, kind)(argument)
            for kind, argument in arguments["partitions"]
        ]
    return SPECS[type](**arguments)


@contextmanager
def _annotations_unchecked() -> Iterator[None]:
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
