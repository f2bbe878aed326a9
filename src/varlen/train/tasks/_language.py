"""Language modelling: what comes next, in a text or in lists of words or ids."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from varlen.data import Parse
from varlen.errors import ConfigError, FeatureError
from varlen.features import Schema, int64, string
from varlen.sequences import JaggedSequence
from varlen.train._batches import Batches, epoch_seed
from varlen.train._carried import carried_from, states_from
from varlen.train._dataset import Dataset, placed
from varlen.train._progress import Metric, Score
from varlen.train._setting import check_settings, setting
from varlen.train._settings import Settings
from varlen.train._streams import streamed_batches, whole_batches
from varlen.train.inputs import TokenEncoder, TokenFitting, find_sequence
from varlen.train.inputs._inputs import value_of
from varlen.train.tasks import _fit
from varlen.train.tasks._language_model import LanguageModel
from varlen.train.tasks._task import Examined

_FEATURES = ("tokens", "words", "forms", "form", "characters", "ids")
_TEXT = "text"
_TOKENS, _NEXT, _IS_FIRST = "tokens", "next tokens", "is_first"


@dataclass(frozen=True)
class LanguageOptions:
    """What language modelling alone has."""

    chunk: int = setting(
        64,
        "Steps through which gradients go back; the state goes on into the next chunk.",
        least=1,
        most=1_000_000,
    )
    min_count: int = setting(
        1, "Tokens that the training split has less often count as unknown.", least=1
    )

    def __post_init__(self) -> None:
        check_settings(self)


def _perplexity(nats: float) -> float:
    return math.exp(min(nats, 700.0))


def _bits(nats: float) -> float:
    return nats / math.log(2)


class Language:
    """Predicts each token of a sequence from those before it, and then its end.

    A sequence is a text, of which the characters are tokens, or a list of words or ids. To learn, a
    batch has a chunk of each of its rows, which are streams: the state is carried on to the next
    batch, and gradients are not (truncated backpropagation, Williams and Peng 1990). To be scored,
    a sequence is read from its beginning to its end.

    Figures are over all tokens and ends together: the loss in nats, its exponential, which is the
    perplexity, and the same in bits.

    Args:
        settings: all of them.
        feature: the text, or the feature list.
        encoder: of its tokens.
    """

    name: ClassVar[str] = "lm"
    summary: ClassVar[str] = "Train a language model, of characters or words."
    Options: ClassVar[type] = LanguageOptions
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "model": {"bidirectional": False, "units": 512, "dropout": 0.2},
        "training": {"epochs": 10, "learning_rate": 4e-3, "warmup": 0.02},
    }
    without: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "model": {
            "bidirectional": "a model that reads backwards would see the tokens it is to predict",
            "noise": "tokens are no numbers that it could be added to",
        },
        "data": {
            "inputs": "language is one feature, which --target names: it is learned from, and "
            "predicted",
            "numbers": "tokens are words, characters or ids, and no numbers",
        },
    }
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", False),
        Metric("perplexity", False, of=_perplexity),
        Metric("bits", False, of=_bits),
    )
    class_kind: ClassVar[str] = "token"
    counted: ClassVar[str] = "tokens and ends"
    holds_out: ClassVar[str] = "sequences"

    def __init__(self, settings: Settings, feature: str, encoder: TokenEncoder) -> None:
        self.settings = settings
        self.feature = feature
        self.encoder = encoder
        self.model = LanguageModel(len(encoder), settings)
        self._lengths: dict[tuple[str, str], npt.NDArray[np.int64]] = {}

    @classmethod
    def build(cls, data: Dataset, settings: Settings) -> "Language":
        feature, unit = _find(data.schema, settings.data.target, str(data.path))
        fitting = TokenFitting(unit, at_least=settings.task.min_count)
        # An encoder of nothing knows how the feature is parsed.
        context, sequences = _specs(feature, TokenFitting(unit).encoder())
        _fit.learn_from(data, {feature: fitting}, context=context, sequences=sequences)
        return cls(settings, feature, fitting.encoder())

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], settings: Settings) -> "Language":
        return cls(settings, stored["feature"], TokenEncoder.from_json(stored["tokens"]))

    def to_json(self) -> dict[str, Any]:
        return {"feature": self.feature, "tokens": self.encoder.to_json()}

    def text_example(self, line: str) -> dict[str, Any] | None:
        return {self.feature: self.encoder.split(line)}

    @property
    def example_hint(self) -> str:
        example = {"character": '"some text"', "word": '["some", "words"]', "id": "[1, 2]"}
        return f'{{"{self.feature}": {example[self.encoder.unit]}}}'

    def describe(self) -> str:
        return f"{self.feature}: {self.encoder.summary}"

    def check(self, data: Dataset, split: str) -> None:
        context, sequences = _specs(self.feature, self.encoder)
        _fit.check_examples(data, split, self._encode, context=context, sequences=sequences)
        if self.num_steps(data, split) == data.num_records(split):
            raise ConfigError(f"split {split!r} has no {self.encoder.unit}s", at=str(data.path))

    def num_steps(self, data: Dataset, split: str) -> int:
        return int(self._lengths_of(data, split).sum())

    def batches(self, data: Dataset, split: str, *, epoch: int) -> Batches:
        training = self.settings.training
        parse = Parse(*_specs(self.feature, self.encoder))
        lengths = self._lengths_of(data, split)
        seed = epoch_seed(training.seed, split, epoch)
        if seed is None:
            return whole_batches(
                data,
                split,
                parse=parse,
                encode=self._encode,
                length_of=_TOKENS,
                lengths=lengths,
                batch_size=training.batch_size,
                max_steps=training.max_steps,
            )
        return streamed_batches(
            data,
            split,
            parse=parse,
            encode=self._encode,
            names=(_TOKENS, _NEXT),
            lengths=lengths,
            chunk=self.settings.task.chunk,
            batch_size=training.batch_size,
            shuffle_seed=seed,
        )

    def score(self, batch: Any, carried: Mapping[str, Tensor] | None = None) -> Score:
        tokens, (targets, lengths) = batch[_TOKENS], batch[_NEXT]
        if _IS_FIRST in batch:
            states = states_from(self.model.network, carried, batch[_IS_FIRST])
            features, states = self.model(tokens, states)
            loss, carried = self.model.loss(features, targets), carried_from(states)
        else:
            loss, carried = self.model.step_losses(tokens, targets).sum(), None
        live, nats = len(targets), loss.detach()
        metrics = {"perplexity": (nats, live), "bits": (nats, live)}
        return Score(loss, live, metrics, live, _fit.padded_size(lengths), carried)

    def examine(self, batch: Any) -> Examined:
        targets, lengths = batch[_NEXT]
        losses = _fit.sum_rows(self.model.step_losses(batch[_TOKENS], targets).double(), lengths)
        metrics = {"perplexity": (losses, lengths), "bits": (losses, lengths)}
        return Examined(losses, lengths, metrics, lengths)

    def class_names(self) -> tuple[str, ...]:
        return ()

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Of each example, how surprising it is: loss and perplexity, per token and end."""
        if not examples:
            return []
        rows = _fit.encode_each(examples, self._encode)
        batch = _fit.batched(rows, _fit.device_of(self.model))
        targets, lengths = batch[_NEXT]
        with _fit.judging(self.model):
            losses = _fit.sum_rows(self.model.step_losses(batch[_TOKENS], targets), lengths)
        return [
            {"loss": round(loss, 6), "perplexity": round(_perplexity(loss), 6)}
            for loss in (losses / lengths).tolist()
        ]

    def _lengths_of(self, data: Dataset, split: str) -> npt.NDArray[np.int64]:
        """The steps of each sequence of a split: its tokens, and the end."""
        key = (str(data.path), split)
        if key not in self._lengths:
            self._lengths[key] = np.array(list(self._read_lengths(data, split)), np.int64) + 1
        return self._lengths[key]

    def _read_lengths(self, data: Dataset, split: str) -> Iterator[int]:
        context, sequences = _specs(self.feature, self.encoder)
        for values, _ in data.examples(split, context=context, sequences=sequences):
            yield len(self.encoder.encode(_plain(values[self.feature])))

    def _encode(self, example: Mapping[str, Any]) -> dict[str, Any]:
        value = value_of(example, self.feature)
        try:
            numbers = self.encoder.encode(_plain(value))
        except FeatureError as error:
            raise placed(error, self.feature) from error
        boundary, length = [self.encoder.boundary], np.int64(len(numbers) + 1)
        return {
            _TOKENS: JaggedSequence(np.concatenate([boundary, numbers]), length),
            _NEXT: JaggedSequence(np.concatenate([numbers, boundary]), length),
        }


def _plain(value: Any) -> Any:
    return value.values if isinstance(value, JaggedSequence) else value


def _specs(feature: str, encoder: TokenEncoder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the context, and of feature lists."""
    context = {} if encoder.context is None else {feature: encoder.context}
    return context, {} if encoder.sequence is None else {feature: encoder.sequence}


def _find(schema: Schema, asked: str | None, at: str) -> tuple[str, str]:
    """The feature that is language, and of what units: asked for, or by name, or the only one."""
    texts = [name for name, found in schema.context.items() if found.kind == string]
    if asked is None and not any(name in schema.feature_lists for name in _FEATURES):
        is_only = len(texts) == 1 and not schema.feature_lists
        asked = _TEXT if _TEXT in texts else texts[0] if is_only else None
    if asked is not None and asked in texts:
        return asked, "character"
    feature, found = find_sequence(schema, asked, usual=_FEATURES, but=(), at=at)
    if found.size != 1 or found.kind not in (string, int64):
        raise ConfigError(
            f"target: expected a text, or a list with one word or id per step, found {feature!r}, "
            f"which {'has no values' if found.kind is None else 'is neither'}",
            at=at,
        )
    return feature, "word" if found.kind == string else "id"
