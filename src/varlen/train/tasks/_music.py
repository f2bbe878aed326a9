"""Polyphonic music: from the notes of each step, which notes sound in the next one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlen.data import Parse
from varlen.errors import ConfigError, FeatureError
from varlen.features import FeatureSchema, float32, int64
from varlen.sequences import JaggedSequence
from varlen.train._batches import Batches, bucketed_batches, epoch_seed
from varlen.train._carried import carried_from, states_from
from varlen.train._dataset import Dataset, placed
from varlen.train._network import RecurrentNetwork, States
from varlen.train._progress import Metric, Score
from varlen.train._setting import check_settings, setting
from varlen.train._settings import Settings
from varlen.train._streams import streamed_batches
from varlen.train.inputs import NoteCounts, NoteEncoder, find_sequence
from varlen.train.inputs._inputs import value_of
from varlen.train.tasks import _fit
from varlen.train.tasks._task import Examined

_FEATURES = ("notes", "roll", "piano_roll", "pianoroll", "chords")
_NEXT, _IS_FIRST = "next notes", "is_first"


@dataclass(frozen=True)
class MusicOptions:
    """What music alone has."""

    lowest: int = setting(21, "The lowest note, where steps are lists of MIDI numbers.", least=0)
    highest: int = setting(108, "The highest note; 21 to 108 are the keys of a piano.", least=0)
    chunk: int | None = setting(
        None,
        "Steps through which gradients go back, for long pieces; the state goes on into the next "
        "chunk. Whole pieces, by default.",
        least=1,
        most=1_000_000,
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.highest < self.lowest:
            raise ConfigError(
                f"lowest and highest: expected a range, found {self.lowest} to {self.highest}"
            )


class MusicModel(nn.Module):
    """Recurrent layers over sets of notes, and the log-odds of each note by a linear head.

    Args:
        shares: how many of all steps have each note; the head begins with their log-odds.
        settings: of the network.
    """

    def __init__(self, shares: Sequence[float], settings: Settings) -> None:
        super().__init__()
        self.network = RecurrentNetwork(len(shares), settings.model)
        self.head = nn.Linear(self.network.size, len(shares))
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor(shares).logit())

    def forward(self, notes: JaggedSequence, states: States | None = None) -> tuple[Tensor, States]:
        """The log-odds of the next notes of each live step, `[steps, notes]`, and the states."""
        steps = notes.values.to(self.head.weight.dtype)
        outputs, states = self.network(steps, notes.lengths, states)
        return self.head(outputs).float(), states


class Music:
    """Predicts each step of a piece but the first, all its notes independently.

    The loss is the negative log-likelihood of a step in nats: the sum of the binary cross-entropies
    of all notes. Figures are over all steps of all pieces together. The accuracy is that of frames
    (Bay, Ehmann and Downie 2009): the notes that are right, where a probability above 1/2 says yes,
    over all that sound or were said to.

    Args:
        settings: all of them.
        feature: the feature list of notes.
        encoder: its encoder.
        shares: how many steps of the training split have each note, between 0 and 1.
    """

    name: ClassVar[str] = "music"
    summary: ClassVar[str] = "Train a model of music, which gives the odds of the next notes."
    Options: ClassVar[type] = MusicOptions
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "model": {
            "bidirectional": False,
            "units": 200,
            "dropout": 0.3,
            "recurrent_dropout": 0.3,
        },
        "training": {"epochs": 70, "batch_size": 4, "learning_rate": 7e-3, "warmup": 0.1},
    }
    without: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "model": {
            "bidirectional": "a model that reads backwards would see the notes it is to predict",
            "noise": "notes sound or do not, and are no numbers that it could be added to",
        },
        "data": {
            "inputs": "music is one feature, which --target names: it is learned from, and "
            "predicted",
            "numbers": "notes sound or do not, and are no numbers",
        },
    }
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", False),
        Metric("accuracy", True, is_share=True, counted="notes that sound or were said to"),
    )
    class_kind: ClassVar[str] = "note"
    counted: ClassVar[str] = "steps"
    holds_out: ClassVar[str] = "sequences"

    def __init__(
        self, settings: Settings, feature: str, encoder: NoteEncoder, shares: Sequence[float]
    ) -> None:
        self.settings = settings
        self.feature = feature
        self.encoder = encoder
        self.shares = tuple(shares)
        self.model = MusicModel(self.shares, settings)

    @classmethod
    def build(cls, data: Dataset, settings: Settings) -> "Music":
        at, asked = str(data.path), settings.data.target
        feature, found = find_sequence(data.schema, asked, usual=_FEATURES, but=(), at=at)
        encoder = _encoder_of(feature, found, settings.task, at)
        counts = NoteCounts(encoder)
        _fit.learn_from(data, {feature: counts}, sequences={feature: encoder.spec})
        return cls(settings, feature, encoder, counts.shares())

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], settings: Settings) -> "Music":
        encoder = NoteEncoder(**stored["notes"])
        return cls(settings, stored["feature"], encoder, stored["shares"])

    def to_json(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "notes": self.encoder.to_json(),
            "shares": list(self.shares),
        }

    def text_example(self, line: str) -> dict[str, Any] | None:
        return None

    @property
    def example_hint(self) -> str:
        low, num = self.encoder.lowest, self.encoder.num_notes
        steps = [[0] * num] * 2 if self.encoder.is_dense else [[low, low + num - 1], [low]]
        return f'{{"{self.feature}": {steps}}}'

    def describe(self) -> str:
        return f"{self.feature}: {self.encoder.summary}"

    def check(self, data: Dataset, split: str) -> None:
        _fit.check_examples(data, split, self._encode, sequences=self._specs)

    def num_steps(self, data: Dataset, split: str) -> int:
        return int(self._lengths_of(data, split).sum())

    def batches(self, data: Dataset, split: str, *, epoch: int) -> Batches:
        training, chunk = self.settings.training, self.settings.task.chunk
        seed = epoch_seed(training.seed, split, epoch)
        if seed is not None and chunk is not None:
            return streamed_batches(
                data,
                split,
                parse=Parse(None, self._specs),
                encode=self._encode,
                names=(self.feature, _NEXT),
                lengths=self._lengths_of(data, split),
                chunk=chunk,
                batch_size=training.batch_size,
                shuffle_seed=seed,
            )
        return bucketed_batches(
            data,
            split,
            sequences=self._specs,
            encode=self._encode,
            length_of=self.feature,
            batch_size=training.batch_size,
            max_steps=training.max_steps,
            shuffle_seed=seed,
        )

    def score(self, batch: Any, carried: Mapping[str, Tensor] | None = None) -> Score:
        notes, (targets, lengths) = batch[self.feature], batch[_NEXT]
        if _IS_FIRST in batch:
            states = states_from(self.model.network, carried, batch[_IS_FIRST])
            scores, states = self.model(notes, states)
            carried = carried_from(states)
        else:
            (scores, _), carried = self.model(notes), None
        loss = F.binary_cross_entropy_with_logits(scores, targets.to(scores.dtype), reduction="sum")
        hits, named = _frames(scores, targets)
        live = len(targets)
        metrics = {"accuracy": (hits.sum(), named.sum())}
        return Score(loss, live, metrics, live, _fit.padded_size(lengths), carried)

    def examine(self, batch: Any) -> Examined:
        targets, lengths = batch[_NEXT]
        scores, _ = self.model(batch[self.feature])
        losses = _step_losses(scores, targets)
        hits, named = (_fit.sum_rows(count, lengths) for count in _frames(scores, targets))
        return Examined(
            _fit.sum_rows(losses, lengths), lengths, {"accuracy": (hits, named)}, lengths
        )

    def class_names(self) -> tuple[str, ...]:
        return ()

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """For each step of a piece, the notes that are likelier than not to follow it.

        That is under the name of the feature; under "loss" is how surprising the piece was, in nats
        per step but the first, or None if it has no other.
        """
        if not examples:
            return []
        rolls = _fit.encode_each(examples, self._roll)
        rows = [{self.feature: JaggedSequence(roll, np.int64(len(roll)))} for roll in rolls]
        notes = _fit.batched(rows, _fit.device_of(self.model))[self.feature]
        with _fit.judging(self.model):
            scores = self.model(notes)[0].cpu()
        return [
            self._answer(roll, found)
            for roll, found in zip(rolls, scores.split([len(r) for r in rolls]), strict=True)
        ]

    def _answer(self, roll: Any, scores: Tensor) -> dict[str, Any]:
        targets = torch.from_numpy(roll[1:])
        loss = float(_step_losses(scores[:-1], targets).mean()) if len(targets) else None
        likely = (scores > 0).numpy()
        return {
            self.feature: self.encoder.decode(likely),
            "loss": None if loss is None else round(loss, 6),
        }

    def _lengths_of(self, data: Dataset, split: str) -> npt.NDArray[np.int64]:
        """The steps of each piece that are scored."""
        return np.maximum(data.lengths(split, self.feature) - 1, 0)

    @property
    def _specs(self) -> dict[str, Any]:
        return {self.feature: self.encoder.spec}

    def _encode(self, example: dict[str, Any]) -> dict[str, Any]:
        roll = self._roll(example)
        length = np.int64(max(len(roll) - 1, 0))
        return {
            self.feature: JaggedSequence(roll[:-1], length),
            _NEXT: JaggedSequence(roll[1:], length),
        }

    def _roll(self, example: Mapping[str, Any]) -> Any:
        """The rows of the steps of a piece, from a record or from anywhere."""
        steps = value_of(example, self.feature)
        try:
            return self.encoder.encode(steps.values if isinstance(steps, JaggedSequence) else steps)
        except FeatureError as error:
            raise placed(error, self.feature) from error


def _encoder_of(feature: str, found: FeatureSchema, options: MusicOptions, at: str) -> NoteEncoder:
    """Rows of 0 and 1 if all steps are such rows, lists of notes otherwise."""
    num_notes = options.highest - options.lowest + 1
    size, extent = found.size, found.values
    is_binary = extent is not None and extent.least >= 0 and extent.most <= 1
    if size is not None and size > 1 and is_binary:
        return NoteEncoder(0, size, is_dense=True, is_float=found.kind == float32)
    if found.kind != int64:
        raise ConfigError(
            f"{feature!r}: expected lists of notes, which are integers, or rows of 0 and 1, "
            f"found {'no values' if found.kind is None else found.kind}",
            at=at,
        )
    return NoteEncoder(options.lowest, num_notes)


def _step_losses(scores: Tensor, targets: Tensor) -> Tensor:
    """The negative log-likelihood of each step, in nats."""
    losses = F.binary_cross_entropy_with_logits(scores, targets.to(scores.dtype), reduction="none")
    return losses.sum(-1)


def _frames(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Of each step, how many notes are right, and how many sound or were said to."""
    said, sounding = scores.detach() > 0, targets.bool()
    return (said & sounding).sum(-1), (said | sounding).sum(-1)
