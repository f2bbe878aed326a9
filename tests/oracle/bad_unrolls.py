"""Bad calls of unrolls and losses, by function and by the words that describe them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from varlen import rnn

from . import losses


def dynamic(
    lengths: Any = None, state: Any = None, *, x: Any = None, cell: Any = None
) -> Callable[[], Any]:
    """An LSTMCell over `[2, 3, 4]`, or what is given."""
    inputs = torch.zeros(2, 3, 4) if x is None else x
    return lambda: rnn.dynamic_rnn(cell or rnn.LSTMCell(4, 4), inputs, lengths, state)


def static(inputs: Any, lengths: Any = None) -> Callable[[], Any]:
    return lambda: rnn.static_rnn(rnn.LSTMCell(4, 4), inputs, sequence_length=lengths)


def both(lengths: Any, cell_bw: Any = None) -> Callable[[], Any]:
    return lambda: rnn.bidirectional_dynamic_rnn(
        rnn.GRUCell(4, 4),
        rnn.GRUCell(4, 4) if cell_bw is None else cell_bw,
        torch.zeros(2, 3, 4),
        lengths,
    )


def stack(num_fw: int, num_bw: int, **states: Any) -> Callable[[], Any]:
    def cells(number: int) -> list[rnn.RNNCell]:
        return [rnn.GRUCell(8 if i else 4, 4) for i in range(number)]

    return lambda: rnn.stack_bidirectional_dynamic_rnn(
        cells(num_fw), cells(num_bw), torch.zeros(2, 3, 4), **states
    )


def raw(state: Any = None, emit: Any = lambda output: output) -> Callable[[], Any]:
    def loop_fn(time: int, output: Any, next_state: Any, loop_state: Any) -> tuple[Any, ...]:
        if output is None:
            initial = torch.zeros(2, 4) if state is None else state
            return torch.zeros(2, dtype=torch.bool), torch.zeros(2, 4), initial, None, None
        finished = torch.tensor([time > 1] * 2)
        return finished, torch.zeros(2, 4), next_state, emit(output), None

    return lambda: rnn.raw_rnn(rnn.GRUCell(4, 4), loop_fn)


def saving(names: Any) -> Callable[[], Any]:
    class Saver:
        def state(self, name: str) -> torch.Tensor:
            return torch.zeros(2, 4)

        def save_state(self, name: str, value: torch.Tensor) -> None:
            pass

    return lambda: rnn.static_state_saving_rnn(
        rnn.LSTMCell(4, 4), [torch.zeros(2, 4)], Saver(), names
    )


def reverse(lengths: list[int], seq_axis: int = 1, batch_axis: int = 0) -> Callable[[], Any]:
    return lambda: rnn.reverse_sequence(torch.zeros(2, 3), lengths, seq_axis, batch_axis)


def seq_loss(
    logits: tuple[int, ...] = (2, 3, 5),
    targets: Any = ((0, 1, 2), (3, 4, 0)),
    weights: Any = ((1.0, 1, 1), (1, 1, 1)),
) -> Callable[[], Any]:
    return lambda: losses.FUNCTIONS["tf.contrib.seq2seq.sequence_loss"](
        torch.zeros(logits), torch.tensor(targets), torch.tensor(weights)
    )


def legacy(num_logits: int, num_targets: int) -> Callable[[], Any]:
    return lambda: losses.FUNCTIONS["tf.contrib.legacy_seq2seq.sequence_loss"](
        [torch.zeros(2, 5)] * num_logits,
        [torch.zeros(2, dtype=torch.int64)] * num_targets,
        [torch.ones(2)] * num_targets,
    )


def twice() -> Any:
    cell = rnn.GRUCell(4, 4)
    return [rnn.dynamic_rnn(cell, torch.zeros(2, 3, 4)) for _ in range(2)]


ONES = torch.ones(2, 4)

CALLS: dict[tuple[str, str], Callable[[], Any]] = {
    ("dynamic_rnn", "one cell object unrolled in two scopes (weights are shared)"): twice,
    ("dynamic_rnn", "cell is a function"): dynamic(cell=torch.tanh),
    ("dynamic_rnn", "sequence_length of rank 2"): dynamic([[1, 2]]),
    ("dynamic_rnn", "scalar sequence_length"): dynamic(2),
    ("dynamic_rnn", "sequence_length with B+1 elements"): dynamic([1, 2, 3]),
    ("dynamic_rnn", "the same, seen only at run time"): dynamic(np.array([1, 2, 3])),
    ("dynamic_rnn", "inputs of rank 2"): dynamic(x=torch.zeros(2, 3)),
    ("dynamic_rnn", "tuple inputs with different T"): dynamic(
        x=(torch.zeros(2, 3, 4), torch.zeros(2, 4, 4))
    ),
    ("dynamic_rnn", "tuple inputs with different B"): dynamic(
        x=(torch.zeros(2, 3, 4), torch.zeros(3, 3, 4))
    ),
    ("dynamic_rnn", "initial_state of the wrong structure"): dynamic(state=ONES),
    ("dynamic_rnn", "initial_state with another batch size"): dynamic(
        state=(torch.ones(3, 4),) * 2
    ),
    ("dynamic_rnn", "initial_state with another depth"): dynamic(state=(torch.ones(2, 5),) * 2),
    ("dynamic_rnn", "float64 state with float32 inputs"): dynamic(state=(ONES.double(),) * 2),
    ("static_rnn", "a tensor instead of a list"): static(torch.zeros(3, 2, 4)),
    ("static_rnn", "an empty list"): static([]),
    ("static_rnn", "sequence_length of rank 2"): static([ONES], [[1, 1]]),
    ("static_rnn", "steps with different batch sizes"): static([ONES, ONES[:1]]),
    ("static_rnn", "sequence_length with B+1 elements"): static([ONES], [1, 1, 1]),
    ("bidirectional_dynamic_rnn", "cell_bw is not a cell"): both(None, torch.tanh),
    ("bidirectional_dynamic_rnn", "a length larger than T"): both([1, 4]),
    ("bidirectional_dynamic_rnn", "a negative length"): both([-1, 2]),
    ("stack_bidirectional_dynamic_rnn", "no forward cells"): stack(0, 1),
    ("stack_bidirectional_dynamic_rnn", "no backward cells"): stack(1, 0),
    ("stack_bidirectional_dynamic_rnn", "different depths"): stack(2, 1),
    ("stack_bidirectional_dynamic_rnn", "initial_states_fw is a tensor"): stack(
        2, 2, initial_states_fw=torch.zeros(2, 2, 4)
    ),
    ("stack_bidirectional_dynamic_rnn", "initial_states_bw with the wrong length"): stack(
        2, 2, initial_states_bw=[torch.zeros(2, 4)]
    ),
    ("raw_rnn", "loop_fn not callable"): lambda: rnn.raw_rnn(rnn.GRUCell(4, 4), 3),  # type: ignore[arg-type]
    ("raw_rnn", "loop_fn returns a state of the wrong structure"): raw((ONES, ONES)),
    ("raw_rnn", "loop_fn returns emit_output=None after the first call"): raw(
        emit=lambda output: None
    ),
    ("static_state_saving_rnn", "one name for a tuple state"): saving("c"),
    ("static_state_saving_rnn", "three names for two states"): saving(("a", "b", "c")),
    ("reverse_sequence", "a length larger than the axis"): reverse([1, 4]),
    ("reverse_sequence", "a negative length"): reverse([-1, 2]),
    ("reverse_sequence", "lengths of the wrong size"): reverse([1, 2, 3]),
    ("reverse_sequence", "seq_axis == batch_axis"): reverse([1, 2], 0, 0),
    ("reverse_sequence", "seq_axis out of range"): reverse([1, 2], 2),
    ("sequence_loss", "logits of rank 2"): seq_loss(logits=(2, 5)),
    ("sequence_loss", "targets of rank 1"): seq_loss(targets=(0, 1)),
    ("sequence_loss", "weights of rank 1"): seq_loss(weights=(1.0, 1.0)),
    ("sequence_loss", "a label equal to the number of classes"): seq_loss(
        targets=((0, 1, 5), (0, 0, 0))
    ),
    ("sequence_loss", "weights of another batch size"): seq_loss(weights=((1.0, 1, 1),)),
    ("sequence_loss", "lists of different length"): legacy(3, 2),
    ("sequence_mask", "maxlen of rank 1"): lambda: losses.FUNCTIONS["tf.sequence_mask"](
        torch.tensor([1, 2]), torch.tensor([3])
    ),
}
"""Refused, or accepted, as TensorFlow does it."""

SOUND: dict[tuple[str, str], Callable[[], Any]] = {
    ("dynamic_rnn", "neither initial_state nor dtype"): dynamic(),
    ("dynamic_rnn", "zero time steps with an unknown batch size"): dynamic(x=torch.zeros(2, 0, 4)),
    ("static_rnn", "neither initial_state nor dtype"): static([ONES]),
    ("stack_bidirectional_dynamic_rnn", "a tuple of cells"): lambda: (
        rnn.stack_bidirectional_dynamic_rnn(
            (rnn.GRUCell(4, 4),), (rnn.GRUCell(4, 4),), torch.zeros(2, 3, 4)
        )
    ),
    ("sequence_loss", "the same where the weight is 0"): seq_loss(
        targets=((0, 1, 5), (0, 0, 0)), weights=((1.0, 1, 0), (1, 1, 1))
    ),
    ("sequence_loss", "a label of -1 where the weight is 0"): seq_loss(
        targets=((0, 1, -1), (0, 0, 0)), weights=((1.0, 1, 0), (1, 1, 1))
    ),
}
"""Refused by TensorFlow; here it works."""
