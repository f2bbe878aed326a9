"""Which runner takes which kind of case.

A runner is a pair: `covers(case)` raises `LeftOut` with the reason if the library does not do what
the case needs; `run(case)` fails if the library does it and the result is not equal.
"""

from collections.abc import Callable

from . import batches, initial_values, losses, messages, parsing, records, rnn
from .case import Case, LeftOut

RUNNERS: dict[str, tuple[Callable[[Case], None], Callable[[Case], None]]] = {
    "batches": (batches.covers_queue, batches.run_queue),
    "bidirectional": (rnn.covers, rnn.run),
    "crc32c": (records.covers_checksums, records.run_checksums),
    "data_batches": (batches.covers_stages, batches.run_stages),
    "error": (losses.covers_error, losses.run_error),
    "initial_values": (initial_values.covers, initial_values.run),
    "legacy_loss": (losses.covers, losses.run_loss),
    "parse_example": (parsing.covers, parsing.run),
    "parse_example_batch": (parsing.covers, parsing.run_example_batch),
    "parse_sequence": (parsing.covers, parsing.run),
    "parse_sequence_batch": (parsing.covers_sequence_batch, parsing.run_sequence_batch),
    "plain": (rnn.covers, rnn.run),
    "ragged": (parsing.covers, parsing.run_ragged),
    "rnn": (rnn.covers, rnn.run),
    "sequence_loss": (losses.covers, losses.run_loss),
    "sequence_mask": (losses.covers, losses.run_mask),
    "serialized": (messages.covers, messages.run),
    "tfrecord": (records.covers_file, records.run_file),
}


def check_covered(case: Case) -> None:
    if case.kind not in RUNNERS:
        raise LeftOut(f"kind {case.kind!r} is not covered yet")
    RUNNERS[case.kind][0](case)


def run(case: Case) -> None:
    RUNNERS[case.kind][1](case)
