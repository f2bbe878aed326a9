"""What LSTM cells share: a state that is a pair or one tensor, and clipping."""

from typing import Any

import torch
from torch import Tensor

from varlen.rnn._cell import LSTMStateTuple, Size
from varlen.rnn._parameters import check_number
from varlen.rnn._recurrent import RecurrentCell


class LSTMBase(RecurrentCell):
    """A cell with a memory `c` and an output `h`, of which `h` goes into the recurrent product."""

    product_state = 1
    state_is_tuple: bool = True

    def unpack_state(self, state: Any) -> list[Tensor]:
        kind: Any = tuple | list if self.state_is_tuple else Tensor
        if not isinstance(state, kind):
            expected = "a pair (c, h)" if self.state_is_tuple else "one tensor [c, h]"
            raise TypeError(
                f"{type(self).__name__}: state: expected {expected}, "
                f"found a {type(state).__name__}; "
                f"the cell has state_is_tuple={self.state_is_tuple}"
            )
        if self.state_is_tuple and len(state) != 2:
            raise ValueError(
                f"{type(self).__name__}: state: expected a pair (c, h), found {len(state)} parts"
            )
        if self.state_is_tuple:
            return list(state)
        return [state[:, : self.num_units], state[:, self.num_units :]]

    def pack_state(self, leaves: list[Tensor]) -> Any:
        return LSTMStateTuple(*leaves) if self.state_is_tuple else torch.cat(leaves, dim=-1)

    def group_state(self, leaves: list[Tensor]) -> LSTMStateTuple:
        return LSTMStateTuple(*leaves)


def lstm_state_size(num_units: int, output_size: int, state_is_tuple: bool) -> Size:
    """The `state_size` of an `LSTMBase`."""
    return LSTMStateTuple(num_units, output_size) if state_is_tuple else num_units + output_size


def lstm_memory(
    c: Tensor,
    write: Tensor,
    candidate: Tensor,
    forget: Tensor | None,
    *,
    cell_clip: float | None = None,
) -> Tensor:
    """The memory after a step.

    Args:
        c: the memory before it.
        write: the input gate, before its sigmoid.
        candidate: what is written.
        forget: the forget gate, before its sigmoid; None couples it to the input gate, so that as
            much is forgotten as is written.
        cell_clip: as `clip` takes it.
    """
    write = torch.sigmoid(write)
    kept = 1 - write if forget is None else torch.sigmoid(forget)
    return clip(kept * c + write * candidate, cell_clip)


def check_clip(bound: float | None, *, argument: str) -> float | None:
    """`bound`, if one can clip to it.

    Raises:
        TypeError: it is neither a number nor None.
        ValueError: it is not above 0.
    """
    if bound is not None and not check_number(bound, argument=argument) > 0:
        raise ValueError(f"{argument}: expected above 0, or None for no clipping, found {bound}")
    return bound


def clip(values: Tensor, bound: float | None) -> Tensor:
    """`values` in `[-bound, bound]`; None is no clipping."""
    return values if bound is None else values.clamp(-bound, bound)
