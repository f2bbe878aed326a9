"""Forecasting: from the steps of a series so far, its next steps, as quantiles."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from varlen.data import LimitLength
from varlen.errors import ConfigError
from varlen.features import string
from varlen.sequences import JaggedSequence
from varlen.train._batches import Batches, bucketed_batches, epoch_seed
from varlen.train._dataset import Dataset
from varlen.train._progress import Metric, Score
from varlen.train._settings import Settings
from varlen.train.inputs import (
    Fitting,
    Inputs,
    VectorEncoder,
    find_sequence,
    find_sequences,
    fit_inputs,
)
from varlen.train.tasks import _fit
from varlen.train.tasks._forecast_model import ForecastModel, ForecastOptions
from varlen.train.tasks._quantiles import METRICS, Deviations, Levels, answer
from varlen.train.tasks._task import Examined

_TARGETS = ("values", "value", "target", "series", "y")
_NEXT = "next steps"
_NUM_NEXT = "number of next steps"


class Forecast:
    """Forecasts the next steps of a series of numbers from all that came before.

    From every step but the last, the steps that follow it are forecast, `horizon` of them or as
    many as there are. The loss is that of quantiles, of numbers that are normalised by the mean and
    deviation of the training split; the other figures are in the units of the data. All are over
    all numbers that are forecast, whatever their distance. Other inputs are known up to the step
    from which is forecast, and not beyond.

    Source of the form: Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster", 2017
    (arXiv 1711.11053).

    Args:
        settings: all of them.
        inputs: the encoders of the target, which comes first, and of what else is seen.
    """

    name: ClassVar[str] = "forecast"
    summary: ClassVar[str] = "Train a model that forecasts the next steps of series of numbers."
    Options: ClassVar[type] = ForecastOptions
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "model": {"bidirectional": False, "units": 64, "dropout": 0.0},
        "training": {"epochs": 30},
    }
    without: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "model": {
            "bidirectional": "a model that reads backwards would see the steps it is to forecast"
        }
    }
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    class_kind: ClassVar[str] = "number"
    counted: ClassVar[str] = "numbers"
    holds_out: ClassVar[str] = "ends"

    def __init__(self, settings: Settings, inputs: Inputs) -> None:
        self.settings = settings
        self.inputs = inputs
        self.target = inputs.first
        self.levels = Levels.of(settings.task.quantiles)
        encoder = inputs.encoders[self.target]
        if not isinstance(encoder, VectorEncoder):
            raise TypeError(f"expected an encoder of numbers, found {encoder!r}")
        self.encoder = encoder
        self.model = ForecastModel(inputs, self.target, self._size, settings)

    @classmethod
    def build(cls, data: Dataset, settings: Settings) -> "Forecast":
        data = data.whole()
        at, schema, asked = str(data.path), data.schema, settings.data
        target, found = find_sequence(schema, asked.target, usual=_TARGETS, but=asked.inputs, at=at)
        if found.kind == string:
            raise ConfigError(f"target {target!r}: expected a series of numbers, found text", at=at)
        features = {target: found}
        if asked.inputs:
            features |= find_sequences(schema, asked.inputs, usual=(), but={target}, at=at)
        fittings = fit_inputs(features, numbers=(target, *asked.numbers))
        specs = {name: feature.sequence_spec() for name, feature in features.items()}
        share = _share_of("train", data)
        learners = {name: _Beginnings(fitting, share) for name, fitting in fittings.items()}
        _fit.learn_from(data, learners, sequences=specs)
        return cls(settings, Inputs({name: found.encoder() for name, found in fittings.items()}))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], settings: Settings) -> "Forecast":
        return cls(settings, Inputs.from_json(stored["inputs"]))

    def to_json(self) -> dict[str, Any]:
        return {"inputs": self.inputs.to_json()}

    def text_example(self, line: str) -> dict[str, Any] | None:
        return None

    @property
    def example_hint(self) -> str:
        return self.inputs.example_hint

    def describe(self) -> str:
        horizon = self.settings.task.horizon
        return f"{self.inputs.summary}; {horizon} step{'s' if horizon > 1 else ''} ahead"

    def check(self, data: Dataset, split: str) -> None:
        encode, num_forecasts = self._encoder(data, split), 0

        def counted(example: dict[str, Any]) -> dict[str, Any]:
            nonlocal num_forecasts
            encoded = encode(example)
            num_forecasts += int((encoded[_NUM_NEXT].values > 0).sum())
            return encoded

        _fit.check_examples(data.whole(), split, counted, sequences=self.inputs.specs)
        if not num_forecasts:
            raise ConfigError(
                f"split {split!r}: no series is so long that {data.valid_share:.0%} of its steps "
                "are a step",
                at=str(data.path),
                hint="say a larger --valid-share, or make a split valid of other series",
            )

    def num_steps(self, data: Dataset, split: str) -> int:
        lengths = data.whole().lengths(split, self.target)
        if split == "train":
            lengths = _learned(lengths, _share_of(split, data))
        return int(np.maximum(lengths - 1, 0).sum())

    def batches(self, data: Dataset, split: str, *, epoch: int) -> Batches:
        training, is_cut = self.settings.training, split == "train" and epoch > 0
        names = (*self.inputs.encoders, _NEXT, _NUM_NEXT)
        return bucketed_batches(
            data.whole(),
            split,
            sequences=self.inputs.specs,
            encode=self._encoder(data, split),
            length_of=self.target,
            batch_size=training.batch_size,
            max_steps=training.max_steps,
            limit=LimitLength(names, self.settings.task.window, "split") if is_cut else None,
            shuffle_seed=epoch_seed(training.seed, split, epoch),
        )

    def score(self, batch: Any, carried: Mapping[str, Tensor] | None = None) -> Score:
        found, rows, _ = self._deviations(batch)
        lengths = batch[self.target].lengths
        metrics = found.metrics(len(rows), torch.sum)
        return Score(
            found.loss.sum(), len(rows), metrics, int(lengths.sum()), _fit.padded_size(lengths)
        )

    def examine(self, batch: Any) -> Examined:
        found, rows, ahead = self._deviations(batch)
        lengths = batch[self.target].lengths

        def sums(values: Tensor) -> Tensor:
            return values.new_zeros(len(lengths)).index_add(0, rows, values)

        total = sums(torch.ones_like(rows))
        metrics = found.metrics(total, sums)
        for distance in self._distances:
            at = (ahead == distance).long()
            metrics[f"MAE {distance} ahead"] = (sums(found.absolute * at), sums(at))
        return Examined(sums(found.loss), total, metrics, lengths)

    def class_names(self) -> tuple[str, ...]:
        return ()

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Of each series, the steps that follow its last one.

        Under the name of the target are the medians of `horizon` steps, and under "quantiles"
        those of each level. After no steps at all there is no forecast: None.
        """
        if not examples:
            return []
        batch = _fit.batch_of(self.inputs, examples, _fit.device_of(self.model))
        lengths = batch[self.target].lengths
        has_steps = lengths > 0
        with _fit.judging(self.model):
            found = self.model(batch, lengths.cumsum(0)[has_steps] - 1).cpu().double().numpy()
        forecasts = iter(found)
        return [
            self._answer(next(forecasts) if has_step else None) for has_step in has_steps.tolist()
        ]

    @property
    def _size(self) -> int:
        """Numbers of a step of the target."""
        return len(self.encoder.mean)

    def _encoder(self, data: Dataset, split: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        share = _share_of(split, data)
        return partial(self._encode, share=share, is_end=split == "valid" and share > 0)

    def _encode(self, example: dict[str, Any], *, share: float, is_end: bool) -> dict[str, Any]:
        """The inputs of all steps but the last, and after each of them the steps to forecast.

        Args:
            example: a series.
            share: of its steps, which is held out at its end.
            is_end: whether these are to be forecast, rather than those before them.
        """
        encoded = self.inputs.encode(example)
        learned = int(_learned(encoded[self.target].lengths, share))
        if not is_end:
            encoded = {
                name: JaggedSequence(row.values[:learned], np.array(learned))
                for name, row in encoded.items()
            }
        horizon = self.settings.task.horizon
        num_steps = max(int(encoded[self.target].lengths) - 1, 0)
        later = encoded[self.target].values[1:].reshape(num_steps, self._size)
        padded = np.concatenate([later, np.zeros((horizon, self._size), np.float32)])
        # A view; what is copied later are the pieces of batches. [steps, size, horizon]
        following = np.lib.stride_tricks.sliding_window_view(padded, horizon, axis=0)[:num_steps]
        left = np.minimum(np.arange(num_steps, 0, -1), horizon)
        if is_end:
            left[: max(learned - 1, 0)] = 0
        length = np.array(num_steps, np.int64)
        rows = {name: row.values[:num_steps] for name, row in encoded.items()}
        rows |= {_NEXT: following.transpose(0, 2, 1), _NUM_NEXT: left}
        return {name: JaggedSequence(row, length) for name, row in rows.items()}

    @property
    def _distances(self) -> list[int]:
        """At how many steps ahead it is judged apart: powers of 2, and the last."""
        horizon = self.settings.task.horizon
        return [2**i for i in range(horizon.bit_length()) if 2**i < horizon] + [horizon]

    def _deviations(self, batch: Any) -> tuple[Deviations, Tensor, Tensor]:
        """Those of all numbers that are forecast, and of each the row of the batch, and how many
        steps ahead it was.
        """
        targets, lengths = batch[_NEXT]
        quantiles = self.model(batch).unflatten(1, targets.shape[1:])
        device = targets.device
        steps_ahead = torch.arange(targets.shape[1], device=device)
        is_there = steps_ahead < batch[_NUM_NEXT].values[:, None]
        units = torch.tensor(self.encoder.deviation, dtype=torch.float32, device=device)
        rows = _fit.rows_of(lengths)[:, None].expand(is_there.shape)[is_there]
        ahead = (steps_ahead + 1).expand(is_there.shape)[is_there]
        found = Deviations.of(
            quantiles[is_there].flatten(0, 1),
            targets[is_there].flatten(),
            units.repeat(len(rows)),
            self.levels,
        )
        return found, rows.repeat_interleave(self._size), ahead.repeat_interleave(self._size)

    def _answer(self, found: npt.NDArray[np.float64] | None) -> dict[str, Any]:
        """Of `[horizon * size, quantiles]` numbers."""
        if found is not None:
            found = found.T.reshape(-1, self.settings.task.horizon, self._size)
        return answer(self.target, found, self.levels, self.encoder, is_series=True)


class _Beginnings:
    """Hands on what of a series is not held out."""

    def __init__(self, fitting: Fitting, share: float) -> None:
        self._fitting, self._share = fitting, share

    def add(self, values: npt.NDArray[Any]) -> None:
        self._fitting.add(values[: int(_learned(len(values), self._share))])


def _share_of(split: str, data: Dataset) -> float:
    """The share of steps of each series of a split that is held out at its end."""
    return data.valid_share if data.held_out and split in ("train", "valid") else 0.0


def _learned(lengths: Any, share: float) -> Any:
    """How many steps of series of these lengths are not held out."""
    return np.ceil(lengths * (1 - share)).astype(np.int64)
