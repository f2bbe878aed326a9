"""The model that forecasts: quantiles of the next steps, as distances from the step itself."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from varlen.sequences import JaggedSequence
from varlen.train._network import RecurrentNetwork
from varlen.train._setting import check_settings, setting
from varlen.train._settings import Settings
from varlen.train.inputs import Inputs
from varlen.train.tasks._quantiles import Levels, QuantileHead


@dataclass(frozen=True)
class ForecastOptions:
    """What forecasting alone has."""

    horizon: int = setting(12, "How many steps ahead are forecast.", least=1, most=10_000)
    quantiles: str = setting(
        "0.1,0.5,0.9", "Levels of the quantiles; 0.5, the median, is the forecast."
    )
    window: int = setting(
        256, "Longer series are cut into pieces of so many steps to learn from.", least=1
    )

    def __post_init__(self) -> None:
        check_settings(self)
        Levels.of(self.quantiles)


class ForecastModel(nn.Module):
    """Recurrent layers, and from each step on the quantiles of the next ones by a linear head.

    They are given as distances from a linear map of the step itself, which at first is the step:
    it begins with the forecast that nothing changes, and can follow a series out of the range in
    which units of a cell are.
    """

    def __init__(self, inputs: Inputs, target: str, size: int, settings: Settings) -> None:
        super().__init__()
        options = settings.task
        self.target = target
        self.inputs = inputs.layer(noise=settings.model.noise)
        self.network = RecurrentNetwork(self.inputs.size, settings.model)
        num_targets = options.horizon * size
        self.head = QuantileHead(self.network.size, num_targets, Levels.of(options.quantiles))
        self.skip = nn.Linear(size, num_targets, bias=False)
        with torch.no_grad():
            self.skip.weight.copy_(torch.eye(size).repeat(options.horizon, 1))

    def forward(self, batch: Mapping[str, JaggedSequence], rows: Tensor | None = None) -> Tensor:
        """The quantiles `[steps, horizon * size, quantiles]`, normalised, after each live step.

        Args:
            batch: the inputs.
            rows: numbers of live steps, if not all of them are wanted.
        """
        now, lengths = batch[self.target]
        outputs, _ = self.network(self.inputs(batch), lengths)
        if rows is not None:
            outputs, now = outputs[rows], now[rows]
        quantiles: Tensor = self.head(outputs) + self.skip(now).float()[..., None]
        return quantiles
