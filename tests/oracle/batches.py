"""Batches: functions against tf.train's and contrib.training's."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np

from varlen import data
from varlen.sequences import SparseValues

from .case import Case, assert_equal

QUEUE_DEFAULTS = {"dynamic_pad": False, "allow_smaller_final_batch": False}
WHICH_BUCKET = {"id % 3": lambda element: element[0] % 3}


def _arguments(case: Case) -> dict[str, Any]:
    """The arguments of a case, with functions for those that are in words."""
    passes = count()
    words: dict[str, Any] = {
        "id % 3 == 0": lambda element: element[0] % 3 == 0,
        "id % 4 != 0": lambda element: element[0] % 4 != 0,
        "per row: row[0] %% 2 == pass": lambda block: block[:, 0] % 2 == next(passes),
    }
    arguments = {**QUEUE_DEFAULTS, **case.entry["kwargs"]}
    if "keep_input" in arguments:
        arguments["keep_input"] = words[arguments["keep_input"]]
    if "which_bucket" in arguments:
        arguments["which_bucket"] = WHICH_BUCKET[arguments["which_bucket"]]
    return arguments


def covers_queue(case: Case) -> None:
    assert case.entry["end"] == "OutOfRange"
    assert hasattr(data, case.entry["api"].split(".")[-1])


def run_queue(case: Case) -> None:
    forms = [tuple]
    if case.entry["api"] == "tf.train.batch" and not case.entry["kwargs"].get("enqueue_many"):
        forms.append(lambda components: dict(enumerate(components)))
    for form in forms:
        batches = list(_queue_batches(case, form))
        assert len(batches) == case.entry["batches"]
        for number, found in enumerate(batches):
            blocks = found.values() if isinstance(found, dict) else found
            compare(case, number, blocks if isinstance(found, dict | list) else [found])


def _queue_batches(case: Case, form: Callable[[list[Any]], Any]) -> Iterator[Any]:
    if "block" in case.arrays:
        items: Any = [case.arrays["block"], case.arrays["block"] + 100]
    else:
        items = map(form, _queue_elements(case))
    name = case.entry["api"].split(".")[-1]
    return getattr(data, name)([items] if name == "batch_join" else items, **_arguments(case))


def run_sparse(case: Case) -> None:
    """Element i is i and row i, spread over every other place of a size that is not always even."""
    elements = [
        (
            np.int32(i),
            SparseValues(
                np.arange(0, 2 * len(row), 2, np.int64)[:, None],
                row,
                np.array([2 * len(row) + i % 2]),
            ),
        )
        for i, row in enumerate(rows_of(case))
    ]
    batches = list(data.batch(elements, **_arguments(case)))
    assert len(batches) == case.entry["batches"]
    for number, (numbers, sparse) in enumerate(batches):
        compare(case, number, [numbers, *sparse])


def run_multiset(case: Case) -> None:
    """Order is free; what and how many is not."""
    arguments = _arguments(case)
    numbers = case.arrays["sorted"]
    if case.entry["api"] == "tf.train.batch_join":
        sources = [numbers[numbers < 1000], numbers[numbers >= 1000]]
        batches = list(data.batch_join(sources, **arguments))
        taken = np.concatenate(batches)
        for source in sources:
            np.testing.assert_array_equal(taken[np.isin(taken, source)], source)
    else:
        batches = list(data.shuffle_batch(numbers, **arguments))
        taken = np.concatenate(batches)
    assert [len(batch) for batch in batches] == case.arrays["sizes"].tolist()
    assert_equal(np.sort(taken), numbers, "sorted")


def run_bucketed(case: Case) -> None:
    arguments = _arguments(case)
    elements = [(np.int32(i), row) for i, row in enumerate(rows_of(case))]
    found: dict[str, int] = Counter()
    for number, components in _bucketed(arguments, elements):
        prefix = f"bucket/{number}/{found[str(number)]:03}"
        found[str(number)] += 1
        for i, component in enumerate(components):
            key = f"{prefix}/{i}"
            assert_equal(component, case.arrays[key], key)
            assert component.dtype == case.arrays[key].dtype
        assert f"{prefix}/{len(components)}" not in case.arrays
    assert found == case.entry["batches_per_bucket"]


def _bucketed(arguments: dict[str, Any], elements: list[Any]) -> Iterator[tuple[int, list[Any]]]:
    if "which_bucket" in arguments:
        yield from data.bucket(elements, **arguments)
        return
    by_length = data.bucket_by_sequence_length(lambda e: len(e[1]), elements, **arguments)
    for lengths, components in by_length:
        number = np.searchsorted(arguments["bucket_boundaries"], lengths[0], side="right")
        yield int(number), [lengths, *components]


def _queue_elements(case: Case) -> Iterator[list[Any]]:
    """Element i is a string, or the number i and a row, or the number alone, as recorded."""
    if "strings.bytes" in case.arrays:
        for string in case.strings("strings"):
            yield [string]
        return
    has_rows = "batch/000/1" in case.arrays
    for i, row in enumerate(rows_of(case)):
        yield [np.int32(i), row] if has_rows else [np.int32(i)]


def rows_of(case: Case) -> list[np.ndarray]:
    ends = np.cumsum(case.arrays["rows.lengths"])
    return np.split(case.arrays["rows.values"], ends[:-1])


def compare(case: Case, number: int, blocks: Any) -> None:
    for k, block in enumerate(blocks):
        key = f"batch/{number:03}/{k}"
        expected = case.strings(key) if f"{key}.bytes" in case.arrays else case.arrays[key]
        assert str(block.dtype).removeprefix("torch.") == str(expected.dtype), key
        assert_equal(block, expected, key)
    assert f"batch/{number:03}/{len(blocks)}" not in case.arrays, "every component is compared"
