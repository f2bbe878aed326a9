"""Classification: a sequence as a whole has one label of a fixed set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlen.features import FixedLenFeature, string
from varlen.sequences import JaggedSequence
from varlen.train._dataset import Dataset
from varlen.train._network import RecurrentNetwork
from varlen.train._progress import Metric, Score
from varlen.train._setting import check_settings
from varlen.train._settings import Settings
from varlen.train.inputs import (
    Inputs,
    LabelFitting,
    Labels,
    find_context,
    find_sequences,
    fit_inputs,
)
from varlen.train.tasks import _fit
from varlen.train.tasks._from_inputs import WithLabels, learn_labels_held_out, learned_inputs
from varlen.train.tasks._pooling import Pooling, pooling_setting
from varlen.train.tasks._task import Examined

_INPUTS = ("words", "tokens", "text", "values", "inputs")
_TARGETS = ("label", "labels", "class", "target", "category", "y")


@dataclass(frozen=True)
class ClassifyOptions:
    """What a classifier alone has."""

    pooling: str = pooling_setting()

    def __post_init__(self) -> None:
        check_settings(self)


class ClassificationModel(nn.Module):
    """Inputs, recurrent layers, the mean or maximum of all steps, and scores by a linear head."""

    def __init__(self, inputs: Inputs, num_labels: int, settings: Settings) -> None:
        super().__init__()
        self.inputs = inputs.layer(noise=settings.model.noise)
        self.network = RecurrentNetwork(self.inputs.size, settings.model)
        self.pooling = Pooling(settings.task.pooling, self.network.size)
        self.head = nn.Linear(self.pooling.size, num_labels)

    def forward(self, batch: Mapping[str, JaggedSequence]) -> Tensor:
        """The scores of all rows, `[batch, labels]`."""
        lengths = batch[self.inputs.names[0]].lengths
        outputs, _ = self.network(self.inputs(batch), lengths)
        scores: Tensor = self.head(self.pooling(outputs, lengths))
        return scores


class Classify(WithLabels):
    """Gives every sequence a label.

    Args:
        settings: all of them.
        inputs: the encoders of what is seen.
        target: the context feature of the label.
        labels: those of the training split.
    """

    name: ClassVar[str] = "classify"
    summary: ClassVar[str] = "Train a classifier, which gives each sequence a label."
    Options: ClassVar[type] = ClassifyOptions
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "model": {"noise": 0.5},
        "training": {"epochs": 30},
    }
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy", True, is_share=True),)
    class_kind: ClassVar[str] = "label"
    counted: ClassVar[str] = "sequences"
    holds_out: ClassVar[str] = "sequences"

    def __init__(self, settings: Settings, inputs: Inputs, target: str, labels: Labels) -> None:
        super().__init__(settings, inputs, target, labels)
        self.model = ClassificationModel(inputs, len(labels), settings)

    @classmethod
    def build(cls, data: Dataset, settings: Settings) -> "Classify":
        at = str(data.path)
        schema, asked = data.schema, settings.data
        target, found = find_context(schema, asked.target, usual=_TARGETS, at=at)
        features = find_sequences(schema, asked.inputs, usual=_INPUTS, but=(), at=at)
        inputs = fit_inputs(features, numbers=asked.numbers)
        labels = LabelFitting(is_text=found.kind == string)
        specs = {name: feature.sequence_spec() for name, feature in features.items()}
        of_target = {target: FixedLenFeature([], found.kind)}
        _fit.learn_from(data, {**inputs, target: labels}, context=of_target, sequences=specs)
        learn_labels_held_out(data, labels, context=of_target)
        learned = learned_inputs(inputs, settings, usual_noise=cls.defaults["model"]["noise"])
        return cls(settings, learned, target, labels.labels())

    def score(self, batch: Any, carried: Mapping[str, Tensor] | None = None) -> Score:
        scores = self.model(batch)
        targets, lengths = batch[self.target], batch[self.inputs.first].lengths
        loss = F.cross_entropy(scores, targets, reduction="sum")
        right = (scores.detach().argmax(-1) == targets).sum()
        metrics = {"accuracy": (right, len(targets))}
        live = int(lengths.sum())
        return Score(loss, len(targets), metrics, live, _fit.padded_size(lengths))

    def examine(self, batch: Any) -> Examined:
        probabilities = self.model(batch).log_softmax(-1)
        targets, lengths = batch[self.target], batch[self.inputs.first].lengths
        confidence, given = probabilities.max(-1)
        one = torch.ones_like(targets)
        return Examined(
            -probabilities.gather(-1, targets[:, None])[:, 0],
            one,
            {"accuracy": ((given == targets).long(), one)},
            lengths,
            true=targets,
            given=given,
            confidence=confidence.exp(),
            rows=torch.arange(len(targets), device=targets.device),
        )

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Of each example, the likeliest label, by the name of the target, and its probability."""
        if not examples:
            return []
        batch = _fit.batch_of(self.inputs, examples, _fit.device_of(self.model))
        with _fit.judging(self.model):
            probabilities, best = self.model(batch).softmax(-1).max(-1)
        labels = self.labels.decode(best.tolist())
        return [
            {self.target: label, "probability": round(probability, 6)}
            for label, probability in zip(labels, probabilities.tolist(), strict=True)
        ]

    @property
    def _context(self) -> dict[str, FixedLenFeature]:
        return {self.target: FixedLenFeature([], self.labels.dtype)}

    def _encode(self, example: dict[str, Any]) -> dict[str, Any]:
        labels = example[self.target]
        numbers = self.labels.encode(labels).reshape(np.shape(labels))
        return {**self.inputs.encode(example), self.target: numbers}
