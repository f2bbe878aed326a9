"""Which runner takes which kind of case.

A runner is a pair: `covers(case)` raises `LeftOut` for a case that is left out, `run(case)` fails
if the result is not equal.
"""

from collections.abc import Callable

from . import (
    batches,
    end_to_end,
    errors,
    initial_values,
    losses,
    messages,
    parsing,
    queues,
    records,
    reverse,
    rnn,
    state_batches,
    tf_data,
)
from .case import Case
from .reasons import LeftOut

RUNNERS: dict[str, tuple[Callable[[Case], None], Callable[[Case], None]]] = {
    "batches": (batches.covers_queue, batches.run_queue),
    "batches_sparse": (batches.covers_queue, batches.run_sparse),
    "bidirectional": (rnn.covers, rnn.run),
    "bucketed": (batches.covers_queue, batches.run_bucketed),
    "crc32c": (records.covers_checksums, records.run_checksums),
    "data_batches": (tf_data.covers, tf_data.run),
    "end_to_end": (end_to_end.covers, end_to_end.run),
    "error": (errors.covers, errors.run),
    "initial_values": (initial_values.covers, initial_values.run),
    "legacy_loss": (losses.covers, losses.run_loss),
    "multiset": (batches.covers_queue, batches.run_multiset),
    "parse_example": (parsing.covers, parsing.run),
    "parse_example_batch": (parsing.covers, parsing.run_example_batch),
    "parse_sequence": (parsing.covers, parsing.run),
    "parse_sequence_batch": (parsing.covers_sequence_batch, parsing.run_sequence_batch),
    "plain": (rnn.covers, rnn.run),
    "producer": (queues.covers_producer, queues.run_producer),
    "queue_script": (queues.covers_script, queues.run_script),
    "ragged": (parsing.covers, parsing.run_ragged),
    "raw_rnn": (rnn.covers, rnn.run),
    "reverse_sequence": (reverse.covers, reverse.run),
    "rnn": (rnn.covers, rnn.run),
    "sequence_loss": (losses.covers, losses.run_loss),
    "sequence_mask": (losses.covers, losses.run_mask),
    "serialized": (messages.covers, messages.run),
    "stack_bidirectional": (rnn.covers, rnn.run),
    "state_batches": (state_batches.covers, state_batches.run),
    "state_saving": (rnn.covers, rnn.run),
    "tfrecord": (records.covers_file, records.run_file),
}
LATER = {
    "checkpoint": "checkpoints",
    "checkpoint_damaged": "checkpoints",
    "checkpoint_many": "checkpoints",
}
"""Kinds of which no case is run, and the reason."""


def check_covered(case: Case) -> None:
    if case.kind in LATER:
        raise LeftOut(LATER[case.kind])
    assert case.kind in RUNNERS, f"kind {case.kind!r} is not known"
    RUNNERS[case.kind][0](case)


def run(case: Case) -> None:
    check_covered(case)
    RUNNERS[case.kind][1](case)
