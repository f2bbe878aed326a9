"""Tagging: every step of a sequence has one label of a fixed set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from varlen.features import FixedLenSequenceFeature, string
from varlen.sequences import JaggedSequence
from varlen.train._dataset import Dataset
from varlen.train._network import RecurrentNetwork
from varlen.train._progress import Metric, Score
from varlen.train._setting import check_settings, setting
from varlen.train._settings import Settings
from varlen.train.inputs import (
    Inputs,
    LabelFitting,
    Labels,
    find_sequence,
    find_sequences,
    fit_inputs,
)
from varlen.train.inputs._inputs import check_same_length
from varlen.train.tasks import _fit
from varlen.train.tasks._from_inputs import WithLabels, learn_labels_held_out, learned_inputs
from varlen.train.tasks._tag_head import TAG_HEADS
from varlen.train.tasks._task import Examined

_INPUTS = ("words", "tokens", "forms", "form", "text")
_TARGETS = ("upos", "tags", "tag", "labels", "label", "pos")


@dataclass(frozen=True)
class TagOptions:
    """What a tagger alone has."""

    loss: str = setting(
        "softmax",
        "softmax decides each step for itself; crf the tags of a sentence together.",
        choices=("softmax", "crf"),
    )

    def __post_init__(self) -> None:
        check_settings(self)


class TaggingModel(nn.Module):
    """Inputs, recurrent layers, scores of labels by a linear head, and what is made of them."""

    def __init__(self, inputs: Inputs, num_labels: int, settings: Settings) -> None:
        super().__init__()
        self.inputs = inputs.layer(noise=settings.model.noise)
        self.network = RecurrentNetwork(self.inputs.size, settings.model)
        self.head = nn.Linear(self.network.size, num_labels)
        self.decisions = TAG_HEADS[settings.task.loss](num_labels)

    def forward(self, batch: Mapping[str, JaggedSequence]) -> Tensor:
        """The scores of all live steps, `[steps, labels]`."""
        lengths = batch[self.inputs.names[0]].lengths
        outputs, _ = self.network(self.inputs(batch), lengths)
        scores: Tensor = self.head(outputs)
        return scores


class Tag(WithLabels):
    """Gives every step a label.

    Args:
        settings: all of them.
        inputs: the encoders of what is seen.
        target: the feature list of labels.
        labels: those of the training split.
    """

    name: ClassVar[str] = "tag"
    summary: ClassVar[str] = "Train a tagger, which gives each word of a sentence a tag."
    Options: ClassVar[type] = TagOptions
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy", True, is_share=True),)
    class_kind: ClassVar[str] = "tag"
    counted: ClassVar[str] = "steps"
    by_steps: ClassVar[bool] = True
    holds_out: ClassVar[str] = "sequences"

    def __init__(self, settings: Settings, inputs: Inputs, target: str, labels: Labels) -> None:
        super().__init__(settings, inputs, target, labels)
        self.model = TaggingModel(inputs, len(labels), settings)

    @classmethod
    def build(cls, data: Dataset, settings: Settings) -> "Tag":
        at = str(data.path)
        schema, asked = data.schema, settings.data
        target, found = find_sequence(
            schema, asked.target, usual=_TARGETS, but={*_INPUTS, *asked.inputs}, at=at
        )
        features = find_sequences(schema, asked.inputs, usual=_INPUTS, but={target}, at=at)
        inputs = fit_inputs(features, numbers=asked.numbers)
        labels = LabelFitting(is_text=found.kind == string)
        specs = {name: feature.sequence_spec() for name, feature in features.items()}
        of_target = {target: FixedLenSequenceFeature([], found.kind)}
        _fit.learn_from(data, {**inputs, target: labels}, sequences={**specs, **of_target})
        learn_labels_held_out(data, labels, sequences=of_target)
        return cls(settings, learned_inputs(inputs, settings), target, labels.labels())

    def score(self, batch: Any, carried: Mapping[str, Tensor] | None = None) -> Score:
        scores = self.model(batch)
        targets, lengths = batch[self.target]
        loss = self.model.decisions.losses(scores, targets, lengths).sum()
        given = self.model.decisions.best(scores.detach(), lengths)
        right = (given == targets).sum()
        live = len(targets)
        metrics = {"accuracy": (right, live)}
        return Score(loss, live, metrics, live, _fit.padded_size(lengths))

    def examine(self, batch: Any) -> Examined:
        scores = self.model(batch)
        targets, lengths = batch[self.target]
        given = self.model.decisions.best(scores, lengths)
        right = _fit.sum_rows((given == targets).long(), lengths)
        return Examined(
            self.model.decisions.losses(scores, targets, lengths),
            lengths,
            {"accuracy": (right, lengths)},
            lengths,
            true=targets,
            given=given,
            confidence=self.model.decisions.confidence(scores, given, lengths),
            rows=_fit.rows_of(lengths),
            groups=self.inputs.unknown(batch),
        )

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Of each example, the likeliest labels, under the name of the target."""
        if not examples:
            return []
        batch = _fit.batch_of(self.inputs, examples, _fit.device_of(self.model))
        with _fit.judging(self.model):
            lengths = batch[self.inputs.first].lengths
            best = self.model.decisions.best(self.model(batch), lengths)
        rows = torch.split(best.cpu(), lengths.tolist())
        return [{self.target: self.labels.decode(row.tolist())} for row in rows]

    @property
    def _sequences(self) -> dict[str, FixedLenSequenceFeature]:
        target = FixedLenSequenceFeature([], self.labels.dtype)
        return {**self.inputs.specs, self.target: target}

    def _encode(self, example: dict[str, Any]) -> dict[str, Any]:
        encoded = self.inputs.encode(example)
        labels, lengths = example[self.target]
        of_inputs = encoded[self.inputs.first].lengths
        check_same_length({self.inputs.first: of_inputs, self.target: lengths})
        return {**encoded, self.target: JaggedSequence(self.labels.encode(labels), lengths)}
