"""Regression: a sequence as a whole has a number, or a few, which are predicted as quantiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from varlen.errors import ConfigError, FeatureError
from varlen.features import FixedLenFeature, int64, string
from varlen.sequences import JaggedSequence
from varlen.train._dataset import Dataset, placed
from varlen.train._network import RecurrentNetwork
from varlen.train._progress import Metric, Score
from varlen.train._setting import check_settings, setting
from varlen.train._settings import Settings
from varlen.train.inputs import Inputs, VectorEncoder, find_context, find_sequences, fit_inputs
from varlen.train.inputs._vectors import VectorFitting
from varlen.train.tasks import _fit
from varlen.train.tasks._from_inputs import FromInputs, learned_inputs
from varlen.train.tasks._pooling import Pooling, pooling_setting
from varlen.train.tasks._quantiles import METRICS, Deviations, Levels, QuantileHead, answer
from varlen.train.tasks._task import Examined

_INPUTS = ("values", "inputs", "words", "tokens", "text")
_TARGETS = ("target", "value", "y", "score", "label")


@dataclass(frozen=True)
class RegressOptions:
    """What regression alone has."""

    pooling: str = pooling_setting()
    quantiles: str = setting(
        "0.1,0.5,0.9", "Levels of the quantiles; 0.5, the median, is the prediction."
    )

    def __post_init__(self) -> None:
        check_settings(self)
        Levels.of(self.quantiles)


class RegressionModel(nn.Module):
    """Inputs, recurrent layers, the mean or maximum of all steps, and quantiles of numbers."""

    def __init__(self, inputs: Inputs, num_targets: int, settings: Settings) -> None:
        super().__init__()
        self.inputs = inputs.layer(noise=settings.model.noise)
        self.network = RecurrentNetwork(self.inputs.size, settings.model)
        self.pooling = Pooling(settings.task.pooling, self.network.size)
        levels = Levels.of(settings.task.quantiles)
        self.head = QuantileHead(self.pooling.size, num_targets, levels)

    def forward(self, batch: Mapping[str, JaggedSequence]) -> Tensor:
        """The quantiles of all rows, `[batch, numbers, quantiles]`, normalised."""
        lengths = batch[self.inputs.names[0]].lengths
        outputs, _ = self.network(self.inputs(batch), lengths)
        quantiles: Tensor = self.head(self.pooling(outputs, lengths))
        return quantiles


class Regress(FromInputs):
    """Gives every sequence a number, or a vector of them.

    The loss is that of quantiles, of numbers that are normalised by the mean and deviation of the
    training split; the other figures are in the units of the data.

    Args:
        settings: all of them.
        inputs: the encoders of what is seen.
        target: the context feature of the numbers.
        encoder: what normalises them.
    """

    name: ClassVar[str] = "regress"
    summary: ClassVar[str] = "Train a model that gives each sequence a number, with its range."
    Options: ClassVar[type] = RegressOptions
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "model": {"dropout": 0.1},
        "training": {"epochs": 30},
    }
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    class_kind: ClassVar[str] = "number"
    counted: ClassVar[str] = "numbers"
    holds_out: ClassVar[str] = "sequences"

    def __init__(
        self, settings: Settings, inputs: Inputs, target: str, encoder: VectorEncoder
    ) -> None:
        self.settings = settings
        self.inputs = inputs
        self.target = target
        self.encoder = encoder
        self.levels = Levels.of(settings.task.quantiles)
        self.model = RegressionModel(inputs, len(encoder.mean), settings)

    @classmethod
    def build(cls, data: Dataset, settings: Settings) -> "Regress":
        at, schema, asked = str(data.path), data.schema, settings.data
        target, found = find_context(schema, asked.target, usual=_TARGETS, at=at)
        if found.kind in (None, string) or found.size is None:
            kind = "text" if found.kind == string else "another number of them in each record"
            raise ConfigError(f"target {target!r}: expected numbers, found {kind}", at=at)
        features = find_sequences(schema, asked.inputs, usual=_INPUTS, but=(), at=at)
        shape = () if found.size == 1 else (found.size,)
        numbers = _NumberFitting(VectorFitting(shape, is_float=found.kind != int64))
        inputs = fit_inputs(features, numbers=asked.numbers)
        _fit.learn_from(
            data,
            {**inputs, target: numbers},
            context={target: FixedLenFeature(shape, found.kind)},
            sequences={name: feature.sequence_spec() for name, feature in features.items()},
        )
        learned = learned_inputs(inputs, settings)
        return cls(settings, learned, target, numbers.fitting.encoder())

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], settings: Settings) -> "Regress":
        encoder = VectorEncoder.from_json(stored["numbers"])
        return cls(settings, Inputs.from_json(stored["inputs"]), stored["target"], encoder)

    def to_json(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs.to_json(),
            "target": self.target,
            "numbers": self.encoder.to_json(),
        }

    def describe(self) -> str:
        size = len(self.encoder.mean)
        return f"{self.inputs.summary}; {self.target}: {size} number{'s' if size > 1 else ''}"

    def score(self, batch: Any, carried: Mapping[str, Tensor] | None = None) -> Score:
        found = self._deviations(batch, self.model(batch))
        lengths, total = batch[self.inputs.first].lengths, len(found.loss)
        live, padded = int(lengths.sum()), _fit.padded_size(lengths)
        return Score(found.loss.sum(), total, found.metrics(total, torch.sum), live, padded)

    def examine(self, batch: Any) -> Examined:
        quantiles, lengths = self.model(batch), batch[self.inputs.first].lengths
        found = self._deviations(batch, quantiles)

        def sums(values: Tensor) -> Tensor:
            return values.reshape(len(lengths), len(self.encoder.mean)).sum(1)

        total = torch.full_like(lengths, len(self.encoder.mean))
        shown = quantiles[..., [0, self.levels.median, -1]].mT.numpy(force=True)
        numbers = torch.from_numpy(self.encoder.decode(shown)).mT
        return Examined(
            sums(found.loss), total, found.metrics(total, sums), lengths, numbers=numbers
        )

    def class_names(self) -> tuple[str, ...]:
        return ()

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Of each example the median, by the name of the target, and under "quantiles" those of
        each level.
        """
        if not examples:
            return []
        batch = _fit.batch_of(self.inputs, examples, _fit.device_of(self.model))
        with _fit.judging(self.model):
            found = self.model(batch).cpu().double().numpy()
        return [
            answer(self.target, row.T[:, None], self.levels, self.encoder, is_series=False)
            for row in found
        ]

    @property
    def _context(self) -> dict[str, FixedLenFeature]:
        dtype = np.float32 if self.encoder.is_float else np.int64
        return {self.target: FixedLenFeature(self.encoder.shape, dtype)}

    def _encode(self, example: dict[str, Any]) -> dict[str, Any]:
        values = np.asarray(example[self.target])
        shape = self.encoder.shape
        try:
            rows = self.encoder.encode(values.reshape(-1, *shape))
        except FeatureError as error:
            raise placed(error, self.target) from error
        numbers = rows.reshape(*values.shape[: values.ndim - len(shape)], rows.shape[1])
        return {**self.inputs.encode(example), self.target: numbers}

    def _deviations(self, batch: Any, quantiles: Tensor) -> Deviations:
        targets = batch[self.target]
        units = torch.tensor(self.encoder.deviation, dtype=torch.float32, device=targets.device)
        return Deviations.of(
            quantiles.flatten(0, 1),
            targets.flatten(),
            units.repeat(len(targets)),
            self.levels,
        )


class _NumberFitting:
    """Takes in the numbers of one example after the other."""

    def __init__(self, fitting: VectorFitting) -> None:
        self.fitting = fitting

    def add(self, values: Any) -> None:
        self.fitting.add(np.reshape(values, (1, -1)))
