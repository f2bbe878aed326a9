"""Truncated backpropagation: sequences in chunks, between which the state goes on alone."""

from typing import Any

from varlen.rnn import _nest


def detach_state(state: Any) -> Any:
    """A state, of any structure, without what led to it: gradients end here.

    Truncated backpropagation through time (Williams and Peng 1990) needs nothing else. Take the
    steps in chunks, and give each the state that the one before ended with:

        state = None
        for start in range(0, num_steps, size):
            chunk = slice(start, start + size)
            lengths_here = (lengths - start).clamp(0, size)
            outputs, state = dynamic_rnn(cell, inputs[:, chunk], lengths_here, state)
            loss(outputs, targets[:, chunk], lengths_here).backward()
            ...
            state = detach_state(state)

    A row that has ended has length 0 in the chunks that follow, and keeps its state.

    Args:
        state: a tensor or a (nested) tuple of tensors.
    """
    return _nest.map_structure(lambda leaf: leaf.detach(), state)
