"""The states of a network from one batch of streams to the next, for truncated backpropagation."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from varlen.rnn import RNNCell
from varlen.train._network import RecurrentNetwork, States


def states_from(
    network: RecurrentNetwork, carried: Mapping[str, Tensor] | None, is_first: Tensor
) -> States:
    """What the rows of a batch begin with.

    Args:
        network: whose states they are.
        carried: what `carried_from` gave for the batch before; None for the first one.
        is_first: `[batch]`, which rows begin a sequence, and so with an initial state.
    """
    cells = cast(Sequence[RNNCell], network.forward_cells)
    fresh, structure = tree_flatten(
        [cell.get_initial_state(batch_size=len(is_first), dtype=cell.dtype) for cell in cells]
    )
    if carried is not None:
        fresh = [
            torch.where(is_first.reshape(-1, *[1] * (leaf.ndim - 1)), leaf, carried[str(number)])
            for number, leaf in enumerate(fresh)
        ]
    return cast(States, tree_unflatten(fresh, structure))


def carried_from(states: States) -> dict[str, Tensor]:
    """The states after a batch, detached, by name."""
    leaves, _ = tree_flatten(states)
    return {str(number): leaf.detach() for number, leaf in enumerate(leaves)}
