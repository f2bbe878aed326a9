"""Batches: `batch` against tf.train.batch, and the stages against tf.data's."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from varlen.data import Batch, BucketBySequenceLength, Pad, Pipeline, batch
from varlen.sequences import JaggedSequence

from .case import Case, assert_equal
from .reasons import LeftOut

QUEUE_DEFAULTS = {"dynamic_pad": False, "allow_smaller_final_batch": False}
STAGE_ARGUMENTS = {
    "tf.data.Dataset.padded_batch": {
        "batch_size",
        "drop_remainder",
        "padded_shapes",
        "padding_values",
    },
    "tf.data.experimental.bucket_by_sequence_length": {
        "bucket_batch_sizes",
        "bucket_boundaries",
        "drop_remainder",
        "padding_values",
    },
}
ERRORS = {"ValueError": ValueError, "TypeError": TypeError, "InvalidArgument": ValueError}


def covers_queue(case: Case) -> None:
    arguments = set(case.entry["kwargs"]) - {"batch_size", *QUEUE_DEFAULTS}
    if case.entry["api"] != "tf.train.batch" or arguments or case.entry["end"] != "OutOfRange":
        raise LeftOut("queues")
    if "strings.bytes" not in case.arrays and "rows.values" not in case.arrays:
        raise LeftOut("in words")


def run_queue(case: Case) -> None:
    arguments = {**QUEUE_DEFAULTS, **case.entry["kwargs"]}
    for form in (tuple, lambda components: dict(enumerate(components))):
        batches = list(batch(map(form, _queue_elements(case)), **arguments))
        assert len(batches) == case.entry["batches"]
        for number, found in enumerate(batches):
            blocks = found.values() if isinstance(found, dict) else found
            _compare(case, number, blocks if isinstance(found, dict | list) else [found])


def _queue_elements(case: Case) -> Iterator[list[Any]]:
    """Element i is a string, or the number i and a row, or the number alone, as recorded."""
    if "strings.bytes" in case.arrays:
        for string in case.strings("strings"):
            yield [string]
        return
    has_rows = "batch/000/1" in case.arrays
    for i, row in enumerate(_rows(case)):
        yield [np.int32(i), row] if has_rows else [np.int32(i)]


def covers_stages(case: Case) -> None:
    api, kwargs = case.entry["api"], case.entry["kwargs"]
    if api not in STAGE_ARGUMENTS or set(kwargs) - STAGE_ARGUMENTS[api]:
        raise LeftOut("queues")
    if kwargs.get("padded_shapes", [[], [None]]) not in ([[], [None]], [[], [-1]]):
        raise LeftOut("padded shapes")
    if case.entry["batches"] and "batch/000/1" not in case.arrays:
        raise LeftOut("in words")


def run_stages(case: Case) -> None:
    batches = []
    if case.entry["end"] == "OutOfRange":
        batches.extend(_pipeline(case))
    else:
        with pytest.raises(ERRORS[case.entry["end"]]):
            batches.extend(_pipeline(case))
    assert len(batches) == case.entry["batches"]
    for number, found in enumerate(batches):
        lengths = [len(row) for row in _rows(case)]
        assert found["row"].lengths.tolist() == [lengths[i] for i in found["id"]]
        _compare(case, number, [found["id"], found["row"].data])


def _pipeline(case: Case) -> Pipeline:
    kwargs = case.entry["kwargs"]
    examples = [
        {"id": np.int64(i), "row": JaggedSequence(row, len(row))}
        for i, row in enumerate(_rows(case))
    ]
    _, padding_value = kwargs.get("padding_values") or (0, 0)
    drop = kwargs.get("drop_remainder", False)
    if "bucket_boundaries" in kwargs:
        stage: Any = BucketBySequenceLength(
            "row", kwargs["bucket_boundaries"], kwargs["bucket_batch_sizes"], drop_remainder=drop
        )
    else:
        stage = Batch(kwargs["batch_size"], drop_remainder=drop)
    return Pipeline(examples, stage, Pad(padding_values={"row": padding_value}))


def _rows(case: Case) -> list[np.ndarray]:
    ends = np.cumsum(case.arrays["rows.lengths"])
    return np.split(case.arrays["rows.values"], ends[:-1])


def _compare(case: Case, number: int, blocks: Any) -> None:
    for k, block in enumerate(blocks):
        key = f"batch/{number:03}/{k}"
        expected = case.strings(key) if f"{key}.bytes" in case.arrays else case.arrays[key]
        assert str(block.dtype).removeprefix("torch.") == str(expected.dtype), key
        assert_equal(block, expected, key)
    assert f"batch/{number:03}/{len(blocks)}" not in case.arrays, "every component is compared"
