"""Bad calls. Cases describe them in words; `bad_cells` and `bad_unrolls` know what these mean."""

from contextlib import nullcontext

import pytest

from varlen.errors import CancelledError

from . import bad_cells, bad_queues, bad_states, bad_unrolls, losses
from .case import Case
from .reasons import LeftOut

ERRORS: dict[str, type[Exception]] = {
    "CancelledError": CancelledError,
    "KeyError": KeyError,
    "RuntimeError": RuntimeError,
}
"""Errors of a type that is TensorFlow's too; all others are ValueErrors or TypeErrors."""

CALLS = bad_cells.CALLS | bad_queues.CALLS | bad_states.CALLS | bad_unrolls.CALLS
SOUND = bad_cells.SOUND | bad_queues.SOUND | bad_states.SOUND | bad_unrolls.SOUND
GRAPH = {
    ("batch", "shapes= given for a tensor of unknown shape"),
    ("bucket_by_sequence_length", "bucket_capacities of the wrong length"),
    ("LSTMCell", "input depth not statically known"),
    ("dynamic_rnn", "two different cells unrolled in the same default scope"),
    ("dynamic_rnn", "unknown input depth"),
    ("dynamic_rnn", "unknown input rank"),
    ("maybe_batch", "keep_input of unknown rank"),
}
"""What has no meaning without a graph."""


def covers(case: Case) -> None:
    if "kwargs" in case.entry:
        losses.covers(case)
        return
    key = _key(case)
    if key in GRAPH:
        raise LeftOut("graph")
    if key in SOUND:
        raise LeftOut("sound")
    if key == ("dynamic_rnn", "float sequence_length (cast to int32)"):
        raise LeftOut("length type")
    if key not in CALLS:
        raise LeftOut("words")


def run(case: Case) -> None:
    if "kwargs" in case.entry:
        losses.run_error(case)
        return
    error = case.entry["error"]
    expected = error and ERRORS.get(error["type"], (ValueError, TypeError))
    with pytest.raises(expected) if expected else nullcontext():
        CALLS[_key(case)]()


def _key(case: Case) -> tuple[str, str]:
    return case.entry["api"].split(".")[-1], case.entry["what"]
