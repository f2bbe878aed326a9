"""Dropout of values of which some are padding: drawn for real steps only."""

import torch
import torch.nn.functional as F
from torch import Tensor


def drop(values: Tensor, probability: float, live: Tensor | None) -> Tensor:
    """Dropout in which padding cannot change a draw.

    Args:
        values: `[values, features]`, finite in the padding.
        probability: of a zero; the others are scaled by 1 / (1 - probability).
        live: `[values]`, bool, which of them are real steps; None: all are.
    """
    if live is None:
        return F.dropout(values, probability)
    scale: Tensor = dropout_scale(
        live.to(values.device), values.shape[1], probability, values.dtype
    )
    return values * scale


# An operator, since it draws as many numbers as there are real steps: a compiler could not see
# through that in one piece.
@torch.library.custom_op(
    "varlen::dropout_scale", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,)
)
def dropout_scale(live: Tensor, width: int, probability: float, dtype: torch.dtype) -> Tensor:
    """What dropout multiplies real steps with; 0 for the others. `[values, width]`."""
    kept = torch.ones(int(live.sum()), width, dtype=dtype, device=live.device)
    scale = kept.new_zeros(live.shape[0], width)
    scale[live] = F.dropout(kept, probability)
    return scale


@dropout_scale.register_fake
def _(live: Tensor, width: int, probability: float, dtype: torch.dtype) -> Tensor:
    return live.new_empty(live.shape[0], width, dtype=dtype)
