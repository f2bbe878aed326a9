"""tf.data's batches: by the functions of their names, and by the stages of a pipeline."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from varlen.data import (
    Batch,
    BucketBySequenceLength,
    Pad,
    Pipeline,
    bucketed_batch,
    padded_batch,
)
from varlen.sequences import JaggedSequence

from .batches import compare, rows_of
from .case import Case

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tf.data.Dataset.padded_batch": padded_batch,
    "tf.data.experimental.bucket_by_sequence_length": bucketed_batch,
}
ERRORS = {
    "DataLoss": ValueError,
    "InvalidArgument": ValueError,
    "TypeError": TypeError,
    "ValueError": ValueError,
}
IN_WORDS = {
    "element i (0..5) is words[k % 4] for k < i, words = ['a', 'bcd', '', 'ef']": [
        np.array([[b"a", b"bcd", b"", b"ef"][k % 4] for k in range(i)], object) for i in range(6)
    ]
}
"""Elements of which a case has words alone."""


def covers(case: Case) -> None:
    assert case.entry["end"] in {"OutOfRange", *ERRORS}
    known = inspect.signature(FUNCTIONS[case.entry["api"]]).parameters
    assert not case.entry["kwargs"].keys() - known.keys()


def run(case: Case) -> None:
    for batches in (_of_function, _of_stages) if _is_for_stages(case) else (_of_function,):
        _run(case, batches)


def _run(case: Case, batches: Callable[[Case], Iterator[list[Any]]]) -> None:
    found: list[list[Any]] = []
    if case.entry["end"] == "OutOfRange":
        found.extend(batches(case))
    else:
        with pytest.raises(ERRORS[case.entry["end"]]):
            found.extend(batches(case))
    assert len(found) == case.entry["batches"]
    for number, blocks in enumerate(found):
        compare(case, number, blocks)


def _of_function(case: Case) -> Iterator[list[Any]]:
    kwargs = dict(case.entry["kwargs"])
    has_id = _has_id(case)
    if "bucket_boundaries" in kwargs:
        kwargs["element_length_func"] = (lambda e: len(e[1])) if has_id else len
    for batch in FUNCTIONS[case.entry["api"]](_elements(case), **kwargs):
        yield batch if has_id else [batch]


def _elements(case: Case) -> list[Any]:
    if case.entry["notes"] in IN_WORDS:
        return IN_WORDS[case.entry["notes"]]
    rows = rows_of(case)
    return [(np.int64(i), row) for i, row in enumerate(rows)] if _has_id(case) else rows


def _has_id(case: Case) -> bool:
    return case.entry["notes"] not in {*IN_WORDS, "elements are rows only"}


def _is_for_stages(case: Case) -> bool:
    """Whether the stages of a pipeline can do this, too."""
    kwargs = case.entry["kwargs"]
    return (
        not kwargs.keys() & {"no_padding", "pad_to_bucket_boundary"}
        and kwargs.get("padded_shapes", [[], [None]]) in ([[], [None]], [[], [-1]])
        and case.entry["notes"] not in IN_WORDS
    )


def _of_stages(case: Case) -> Iterator[list[Any]]:
    kwargs = case.entry["kwargs"]
    rows = rows_of(case)
    examples = [{"id": np.int64(i), "row": JaggedSequence(r, len(r))} for i, r in enumerate(rows)]
    _, padding_value = kwargs.get("padding_values") or (0, 0)
    drop = kwargs.get("drop_remainder", False)
    if "bucket_boundaries" in kwargs:
        stage: Any = BucketBySequenceLength(
            "row", kwargs["bucket_boundaries"], kwargs["bucket_batch_sizes"], drop_remainder=drop
        )
    else:
        stage = Batch(kwargs["batch_size"], drop_remainder=drop)
    for batch in Pipeline(examples, stage, Pad(padding_values={"row": padding_value})):
        assert batch["row"].lengths.tolist() == [len(rows[i]) for i in batch["id"]]
        yield [batch["id"], batch["row"].data]
