"""`static_state_saving_rnn`: the state comes from somebody who keeps it, and goes back there."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell
from varlen.rnn.engine import Engine
from varlen.rnn.unroll._static import static_rnn


@runtime_checkable
class StateSaver(Protocol):
    """Keeps the states of sequences that come in pieces."""

    def state(self, name: str, /) -> Any:
        """The state of that name, `[batch, ...]`, to begin with."""

    def save_state(self, name: str, value: Tensor, /) -> Any:
        """Takes the state of that name with which the next piece begins."""


def static_state_saving_rnn(
    cell: RNNCell,
    inputs: Sequence[Any],
    state_saver: StateSaver,
    state_name: Any,
    sequence_length: Any = None,
    *,
    engine: Engine = "auto",
    recompute: bool = False,
    noise: Any = None,
) -> tuple[list[Any], Any]:
    """`static_rnn` from the state that a saver has, after which the saver gets the final state.

    As `tf.nn.static_state_saving_rnn`. States are saved as they are: what cuts the gradient
    between the pieces of a sequence is that the saver detaches them.

    Args:
        cell: any `RNNCell`.
        inputs: as in `static_rnn`.
        state_saver: has `state(name)` and `save_state(name, value)`.
        state_name: a string for a state that is one tensor, else a (nested) tuple or list of as
            many strings as the state has leaves.
        sequence_length: as in `dynamic_rnn`.
        engine: as in `dynamic_rnn`.
        recompute: as in `dynamic_rnn`.
        noise: as in `dynamic_rnn`.

    Returns:
        `(outputs, final_state)`, the outputs a list of `[batch, ...]`.

    Raises:
        ValueError: not one name per leaf of the state; and what `static_rnn` raises.
    """
    like = as_cell(cell).zero_state(0)
    leaves, structure = _nest.flatten(like)
    names = _nest.leaves(state_name)
    if isinstance(state_name, str) != isinstance(like, Tensor) or len(names) != len(leaves):
        raise ValueError(
            f"state_name: expected a name for each leaf of a state of size {cell.state_size}, "
            f"found {state_name!r}"
        )
    initial = _nest.unflatten(structure, [state_saver.state(name) for name in names])
    outputs, final_state = static_rnn(
        cell,
        inputs,
        initial,
        sequence_length=sequence_length,
        engine=engine,
        recompute=recompute,
        noise=noise,
    )
    for name, leaf in zip(names, _nest.leaves(final_state), strict=True):
        state_saver.save_state(name, leaf)
    return outputs, final_state
