"""Where a cell lets its candidate be dropped, for recurrent dropout without memory loss."""

from typing import Any

from torch import Tensor


def drop_candidate(candidate: Tensor, weights: Any) -> Tensor:
    """The candidate, times the mask that `RecurrentDropoutWrapper` put in `weights`, if any.

    A cell that calls this in its `update` says so with `drops_candidate = True`.
    """
    mask: Tensor | None = getattr(weights, "candidate_mask", None)
    return candidate if mask is None else candidate * mask
