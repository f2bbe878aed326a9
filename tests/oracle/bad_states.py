"""Bad calls of batch_sequences_with_states, by the words that describe them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from varlen.data import batch_sequences_with_states

API = "batch_sequences_with_states"


def states(
    *,
    keys: tuple[Any, ...] = ("a", "b"),
    sequences: Any = None,
    initial_states: Any = None,
    length: Any = None,
    **arguments: Any,
) -> Callable[[], Any]:
    """A call with two sequences `x` of 4 steps, and something else about it."""
    arguments = {"num_unroll": 2, "batch_size": 2, **arguments}
    sequences = {"x": np.ones((4, 3))} if sequences is None else sequences
    initial_states = {"s": np.zeros(3)} if initial_states is None else initial_states
    return lambda: next(
        batch_sequences_with_states(
            keys,
            input_key=lambda key: key,
            input_sequences=lambda key: sequences,
            input_context=None,
            input_length=None if length is None else lambda key: length,
            initial_states=initial_states,
            **arguments,
        )
    )


CALLS: dict[tuple[str, str], Callable[[], Any]] = {
    (API, what): call
    for what, call in {
        "no initial states": states(initial_states={}),
        "a colon in a state name": states(initial_states={"a:b": np.zeros(3)}),
        "a colon in a sequence name": states(sequences={"a:b": np.ones(4)}),
        "no sequences": states(sequences={}),
        "capacity < batch_size": states(capacity=1),
        "integer key": states(keys=(1, 2)),
        "state shape not fully known": states(
            initial_states=lambda key: {"s": np.zeros(3 if key == "a" else 4)}
        ),
        "num_unroll not an int": states(num_unroll=2.0),
        "pad=False and length not a multiple of num_unroll": states(num_unroll=3, pad=False),
        "an empty sequence": states(sequences={"x": np.ones((0, 3))}),
        "input_length larger than the padded length": states(num_unroll=3, length=7),
        "two sequences of different length": states(
            sequences={"x": np.ones((4, 3)), "y": np.ones(5)}
        ),
        "the same key twice": states(keys=("a", "a")),
    }.items()
}
SOUND: dict[tuple[str, str], Callable[[], Any]] = {
    (API, "int64 length"): states(length=np.int64(3)),
}
