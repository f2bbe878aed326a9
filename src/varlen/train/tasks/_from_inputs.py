"""What tasks that learn a target from a set of inputs have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from varlen.data import Map, Parse
from varlen.errors import ConfigError, VarlenError
from varlen.train._batches import Batches, batching, epoch_seed, pass_over, shuffling
from varlen.train._dataset import Dataset
from varlen.train._settings import Settings
from varlen.train.inputs import Fitting, Inputs, LabelFitting, Labels
from varlen.train.tasks import _fit

_Own = TypeVar("_Own", bound="WithLabels")


def learned_inputs(
    fittings: Mapping[str, Fitting], settings: Settings, *, usual_noise: float = 0.0
) -> Inputs:
    """The encoders that have been learned.

    Raises:
        ConfigError: noise is asked for, and there are no numbers that it could be added to.
    """
    inputs = Inputs({name: fitting.encoder() for name, fitting in fittings.items()})
    if settings.model.noise not in (0, usual_noise) and not inputs.has_vectors:
        raise ConfigError(
            f"noise: no input has numbers that it could be added to; {inputs.summary}",
            hint="leave it out",
        )
    return inputs


def learn_labels_held_out(data: Dataset, labels: LabelFitting, **specs: Mapping[str, Any]) -> None:
    """Makes labels known that are rare, and were all held out for validation by chance.

    Args:
        data: what is learned from.
        labels: what has seen the training split.
        **specs: the specification of the labels alone, as `context` or as `sequences`.

    Raises:
        What `learn_from` raises.
    """
    if data.held_out:
        [target] = next(iter(specs.values()))
        _fit.learn_from(data, {target: labels.elsewhere}, split="valid", **specs)


class FromInputs(ABC):
    """A task over sequences of like length, whose encoders are `Inputs` and that of a target.

    Attributes:
        by_steps: whether batches have as many steps, instead of as many sequences.
        without: settings that the task has no use for: none.
        settings: all of them.
        inputs: the encoders of what is seen.
        target: the feature to learn.
    """

    by_steps: ClassVar[bool] = False
    without: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    settings: Settings
    inputs: Inputs
    target: str

    def text_example(self, line: str) -> dict[str, Any] | None:
        return self.inputs.text_example(line)

    @property
    def example_hint(self) -> str:
        return self.inputs.example_hint

    def check(self, data: Dataset, split: str) -> None:
        try:
            for _ in self.batches(data, split, epoch=0).for_rank(0, 1):
                pass
        except VarlenError:
            # One by one, to find the record with which it begins.
            _fit.check_examples(
                data, split, self._encode, context=self._context, sequences=self._sequences
            )
            raise

    def num_steps(self, data: Dataset, split: str) -> int:
        return int(data.lengths(split, self.inputs.first).sum())

    def batches(self, data: Dataset, split: str, *, epoch: int) -> Batches:
        training, length_of = self.settings.training, self.inputs.first
        return pass_over(
            data,
            split,
            *shuffling(data, split, epoch_seed(training.seed, split, epoch)),
            batching(
                data,
                length_of,
                data.lengths(split, length_of),
                training.batch_size,
                max_steps=training.max_steps,
                by_steps=self.by_steps,
            ),
            Parse(self._context, self._sequences),  # whole batches, and so does what encodes them
            Map(self._encode),
        )

    @property
    def _context(self) -> Mapping[str, Any] | None:
        """Specifications of context features."""
        return None

    @property
    def _sequences(self) -> Mapping[str, Any]:
        """Specifications of feature lists."""
        return self.inputs.specs

    @abstractmethod
    def _encode(self, example: dict[str, Any]) -> dict[str, Any]:
        """Makes numbers of a parsed example, or of a batch of them."""


class WithLabels(FromInputs):
    """Such a task, whose target has labels of a fixed set.

    Args:
        settings: all of them.
        inputs: the encoders of what is seen.
        target: the feature of labels.
        labels: those of the training split.
    """

    def __init__(self, settings: Settings, inputs: Inputs, target: str, labels: Labels) -> None:
        self.settings = settings
        self.inputs = inputs
        self.target = target
        self.labels = labels

    @classmethod
    def from_json(cls: type[_Own], stored: Mapping[str, Any], settings: Settings) -> _Own:
        inputs, labels = Inputs.from_json(stored["inputs"]), Labels.from_json(stored["labels"])
        return cls(settings, inputs, stored["target"], labels)

    def to_json(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs.to_json(),
            "target": self.target,
            "labels": self.labels.to_json(),
        }

    def describe(self) -> str:
        return f"{self.inputs.summary}; {self.target}: {len(self.labels)} labels"

    def class_names(self) -> tuple[str, ...]:
        return self.labels.names
