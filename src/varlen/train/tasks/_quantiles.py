"""Numbers predicted as quantiles: the head, the loss that makes them so, and figures about them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from varlen.errors import ConfigError
from varlen.train._progress import Metric
from varlen.train.inputs import VectorEncoder


@dataclass(frozen=True)
class Levels:
    """The levels of quantiles, which rise; 1/2, the median, is always among them.

    Attributes:
        values: between 0 and 1.
    """

    values: tuple[float, ...]

    @classmethod
    def of(cls, text: str) -> "Levels":
        """Levels with commas between them.

        Raises:
            ConfigError: one of them is no number between 0 and 1.
        """
        values = {0.5}
        for part in text.split(","):
            try:
                value = float(part)
            except ValueError:
                value = 0.0
            if not 0 < value < 1:
                raise ConfigError(
                    f"quantiles: expected numbers between 0 and 1 with commas between, "
                    f"found {part.strip()!r}"
                )
            values.add(value)
        return cls(tuple(sorted(values)))

    @property
    def median(self) -> int:
        """The number of the median."""
        return self.values.index(0.5)

    @property
    def span(self) -> float:
        """The share of targets that should be between the lowest and the highest quantile."""
        return self.values[-1] - self.values[0]


METRICS = (
    Metric("loss", False),
    Metric("MAE", False),
    Metric("RMSE", False, of=lambda mean_square: float(mean_square**0.5)),
    Metric("coverage", None, is_share=True, aim=lambda options: Levels.of(options.quantiles).span),
)
"""Those of tasks that predict numbers; their parts and wholes are those of `Deviations`."""


class QuantileHead(nn.Module):
    """Quantiles that never cross: a linear median, and steps up and down from it.

    Args:
        size: of what it reads.
        num_targets: how many numbers there are to predict.
        levels: the levels of the quantiles.
    """

    def __init__(self, size: int, num_targets: int, levels: Levels) -> None:
        super().__init__()
        self.levels = levels
        self.linear = nn.Linear(size, num_targets * len(levels.values))

    def forward(
        self, features: Float[Tensor, "rows size"]
    ) -> Float[Tensor, "rows targets quantiles"]:
        """The quantiles of each target, the lowest first."""
        num_levels, median = len(self.levels.values), self.levels.median
        raw = self.linear(features).unflatten(-1, (-1, num_levels)).float()
        middle = raw[..., median : median + 1]
        up = F.softplus(raw[..., median + 1 :]).cumsum(-1)
        down = F.softplus(raw[..., :median].flip(-1)).cumsum(-1).flip(-1)
        return torch.cat([middle - down, middle, middle + up], dim=-1)


def pinball_losses(
    quantiles: Float[Tensor, "*shape quantiles"], targets: Float[Tensor, "*shape"], levels: Levels
) -> Float[Tensor, "*shape"]:
    """The mean over levels of the loss that the quantile of each level makes least.

    At level q, what is too low by d costs q d, and what is too high by d costs (1 - q) d. At the
    median alone it is half of the absolute error.

    Source: Koenker and Bassett, "Regression Quantiles", Econometrica 46 (1978).
    """
    level = torch.tensor(levels.values, device=quantiles.device)
    below = targets[..., None] - quantiles
    return torch.maximum(level * below, (level - 1) * below).mean(-1)


class Deviations(NamedTuple):
    """How far predictions are from targets, each `[numbers]`.

    Attributes:
        loss: of normalised numbers.
        absolute: the distance of the median, in the units of the data.
        square: its square.
        covered: whether the target is between the lowest and the highest quantile.
    """

    loss: Tensor
    absolute: Tensor
    square: Tensor
    covered: Tensor

    @classmethod
    def of(
        cls,
        quantiles: Float[Tensor, "numbers quantiles"],
        targets: Float[Tensor, " numbers"],
        units: Float[Tensor, " numbers"],
        levels: Levels,
    ) -> "Deviations":
        """Those of normalised numbers; `units` is what 1 is in the units of the data."""
        given = quantiles.detach()
        absolute = (targets - given[:, levels.median]).abs() * units
        covered = (given[:, 0] <= targets) & (targets <= given[:, -1])
        losses = pinball_losses(quantiles, targets, levels)
        return cls(losses, absolute, absolute.square(), covered.long())

    def metrics(self, total: Any, sums: Any) -> dict[str, tuple[Any, Any]]:
        """Parts and wholes.

        Args:
            total: the whole of each.
            sums: what adds numbers up to parts.
        """
        parts = {"MAE": self.absolute, "RMSE": self.square, "coverage": self.covered}
        return {name: (sums(part), total) for name, part in parts.items()}


def answer(
    name: str,
    quantiles: Float[np.ndarray, "quantiles rows numbers"] | None,
    levels: Levels,
    encoder: VectorEncoder,
    *,
    is_series: bool,
) -> dict[str, Any]:
    """A prediction as JSON data: the median under the name of the target, and all quantiles.

    Args:
        name: of the target.
        quantiles: normalised; None for no answer.
        levels: of the quantiles.
        encoder: what normalised the target.
        is_series: whether rows are the steps of a series; otherwise there is one.
    """
    if quantiles is None:
        shown = [None] * len(levels.values)
    else:
        numbers = encoder.decode(quantiles)
        rows = numbers.reshape(*numbers.shape[:2], *encoder.shape)
        # As many digits as float32 has.
        shown = _rounded((rows if is_series else rows[:, 0]).tolist())
    named = {f"{level:g}": values for level, values in zip(levels.values, shown, strict=True)}
    return {name: shown[levels.median], "quantiles": named}


def _rounded(values: Any) -> Any:
    return [_rounded(v) for v in values] if isinstance(values, list) else float(f"{values:.7g}")
