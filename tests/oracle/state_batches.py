"""batch_sequences_with_states: every field of every batch, with the states in between."""

import inspect
from typing import Any

from varlen.data import batch_sequences_with_states

from .batches import rows_of
from .case import Case, assert_equal

FIELDS = ("length", "total_length", "sequence", "sequence_count")
RULE = "saved state = 0.5*state + sum(x)"


def covers(case: Case) -> None:
    assert case.entry["end"] == "OutOfRange"
    assert case.entry["notes"].endswith(RULE)
    known = {"num_threads", *inspect.signature(batch_sequences_with_states).parameters}
    assert not case.entry["kwargs"].keys() - known


def run(case: Case) -> None:
    found = 0
    for number, batch in enumerate(_batches(case)):
        prefix = f"batch/{number:03}"
        for field in ("key", "next_key"):
            assert_equal(getattr(batch, field), case.strings(f"{prefix}/{field}"), field)
        for field in FIELDS:
            expected = case.arrays[f"{prefix}/{field}"]
            assert_equal(getattr(batch, field), expected, field)
            assert getattr(batch, field).dtype == expected.dtype
        assert batch.batch_size == case.arrays[f"{prefix}/batch_size"]
        assert_equal(batch.sequences["x"], case.arrays[f"{prefix}/x"], "x")
        assert_equal(batch.context["c"], case.arrays[f"{prefix}/c"], "c")
        assert_equal(batch.state("s"), case.arrays[f"{prefix}/state"], "state")
        new_state = 0.5 * batch.state("s") + batch.sequences["x"].sum(axis=(1, 2))[:, None]
        assert_equal(new_state, case.arrays[f"{prefix}/new_state"], "new_state")
        batch.save_state("s", new_state)
        found += 1
    assert found == case.entry["batches"]


def _batches(case: Case) -> Any:
    # Order is always kept here, as in TensorFlow with one thread.
    arguments = {k: v for k, v in case.entry["kwargs"].items() if k != "num_threads"}
    contexts, states = case.arrays["context"], case.arrays["initial_state"]
    return batch_sequences_with_states(
        enumerate(rows_of(case)),
        input_key=lambda element: f"key_{element[0]}".encode(),
        input_sequences=lambda element: {"x": element[1]},
        input_context=lambda element: {"c": contexts[element[0]]},
        input_length=None,
        initial_states=lambda element: {"s": states[element[0]]},
        **arguments,
    )
