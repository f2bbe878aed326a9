"""A sequence as one vector: the mean or maximum of all its steps."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from varlen.train._setting import setting
from varlen.train.tasks import _fit


def pooling_setting() -> Any:
    """The field of a settings class that says the kind."""
    return setting(
        "mean",
        "What of the outputs of all steps is looked at: their mean, their maximum, or both.",
        choices=("mean", "max", "both"),
    )


class Pooling(nn.Module):
    """The mean, the maximum, or both, of the steps of each row.

    Args:
        kind: "mean", "max" or "both".
        num_features: of a step.

    Attributes:
        size: of the result.
    """

    def __init__(self, kind: str, num_features: int) -> None:
        super().__init__()
        self.kind = kind
        self.size = num_features * (2 if kind == "both" else 1)

    def forward(
        self, steps: Float[Tensor, "steps features"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch size"]:
        """A row without steps is pooled to 0."""
        parts = []
        if self.kind != "max":
            parts.append(_fit.sum_rows(steps, lengths) / lengths.clamp(min=1)[:, None])
        if self.kind != "mean":
            parts.append(_fit.max_rows(steps, lengths))
        return torch.cat(parts, dim=-1)
