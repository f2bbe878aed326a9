"""Several features at once: encoded side by side, and joined by one layer."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from varlen.errors import CheckpointError, ConfigError, FeatureError
from varlen.features import FeatureSchema, int64, string
from varlen.sequences import JaggedSequence
from varlen.train.inputs._encoder import Encoder, Fitting, Spec
from varlen.train.inputs._symbols import SymbolEncoder, SymbolFitting
from varlen.train.inputs._vectors import VectorEncoder, VectorFitting, VectorLayer
from varlen.train.inputs._words import WordEncoder, WordFitting

_FROM_JSON: dict[str, Callable[[dict[str, Any]], Encoder]] = {
    WordEncoder.kind: WordEncoder.from_json,
    SymbolEncoder.kind: SymbolEncoder.from_json,
    VectorEncoder.kind: VectorEncoder.from_json,
}


@dataclass(frozen=True)
class Inputs:
    """The encoders of features that are sequences of the same length.

    Attributes:
        encoders: by feature.
    """

    encoders: dict[str, Encoder]

    @property
    def specs(self) -> dict[str, Spec]:
        """By which records are parsed."""
        return {name: encoder.spec for name, encoder in self.encoders.items()}

    @property
    def first(self) -> str:
        """The feature whose length is that of the sequence."""
        return next(iter(self.encoders))

    @property
    def has_vectors(self) -> bool:
        """Whether a feature is of numbers that are not ids."""
        return any(isinstance(encoder, VectorEncoder) for encoder in self.encoders.values())

    @property
    def summary(self) -> str:
        """What there is: "words: 19,672 words"."""
        return ", ".join(f"{name}: {found.summary}" for name, found in self.encoders.items())

    def text_example(self, line: str) -> dict[str, Any] | None:
        """The example of words with spaces between; None if there is more to know."""
        is_text = self.encoders[self.first].spec.dtype == np.dtype(object)
        return {self.first: line.split()} if is_text and len(self.encoders) == 1 else None

    @property
    def example_hint(self) -> str:
        """What an example with two steps looks like in JSON."""
        return json.dumps(
            {name: _two_steps(encoder.spec) for name, encoder in self.encoders.items()}
        )

    def encode(self, example: Mapping[str, Any]) -> dict[str, JaggedSequence]:
        """The numbers of one example, or of a batch of them.

        Args:
            example: values `[steps, ...]` by feature, or `JaggedSequence`s of them.

        Raises:
            FeatureError: a feature is missing, cannot be encoded, or is of another length.
        """
        encoded = {}
        for name, encoder in self.encoders.items():
            values = value_of(example, name)
            if not isinstance(values, JaggedSequence):
                values = JaggedSequence(values, np.array(len(values), np.int64))
            try:
                numbers = encoder.encode(values.values)
            except FeatureError as error:
                raise FeatureError(error.problem, at=name, hint=error.hint) from error
            encoded[name] = JaggedSequence(numbers, values.lengths)
        check_same_length({name: row.lengths for name, row in encoded.items()})
        return encoded

    def unknown(self, batch: Mapping[str, JaggedSequence]) -> dict[str, Tensor]:
        """Which steps have words that the training split had not, whatever their capitals."""
        return {
            f"unknown {name}": batch[name].values[:, 0] == 0
            for name, encoder in self.encoders.items()
            if isinstance(encoder, WordEncoder)
        }

    def layer(self, *, noise: float = 0.0) -> "InputLayer":
        """A new layer, from batches to the features of steps.

        Args:
            noise: the standard deviation of noise in vectors while learning.
        """
        return InputLayer(self.encoders, noise)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return {
            name: {"kind": encoder.kind, **encoder.to_json()}
            for name, encoder in self.encoders.items()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Inputs":
        """The inverse of `to_json`.

        Raises:
            CheckpointError: an encoder that this version does not know.
        """
        encoders = {}
        for name, found in stored.items():
            contents = dict(found)
            kind = contents.pop("kind")
            if kind not in _FROM_JSON:
                raise CheckpointError(f"input {name!r}: no encoder {kind!r} in this version")
            encoders[name] = _FROM_JSON[kind](contents)
        return cls(encoders)


class InputLayer(nn.Module):
    """The features of each live step: those of all encoders, one after the other.

    Attributes:
        size: how many there are.
    """

    def __init__(self, encoders: Mapping[str, Encoder], noise: float) -> None:
        super().__init__()
        self.names = tuple(encoders)
        # Names of features may hold dots, which names of modules may not.
        self.layers = nn.ModuleList(encoder.layer() for encoder in encoders.values())
        for layer in self.layers:
            if isinstance(layer, VectorLayer):
                layer.noise = noise
        self.size = sum(cast(int, layer.size) for layer in self.layers)

    def forward(self, batch: Mapping[str, JaggedSequence]) -> Tensor:
        """`[steps, size]`, from the values of all features."""
        parts = [
            layer(batch[name].values) for name, layer in zip(self.names, self.layers, strict=True)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def fit_inputs(
    features: Mapping[str, FeatureSchema], *, numbers: Collection[str] = ()
) -> dict[str, Fitting]:
    """What learns the encoders of feature lists of these schemas.

    Text is taken as words, single integers as ids, all other numbers as vectors.

    Args:
        features: by name.
        numbers: those whose single integers are vectors, too.

    Raises:
        ConfigError: a feature has steps of unequal size, or no values at all; or what is to be
            numbers is text, or no feature.
    """
    for name in numbers:
        if name not in features or features[name].kind == string:
            found = "text" if name in features else "no input"
            raise ConfigError(f"numbers: expected inputs of integers, found {name!r}: {found}")
    return {
        name: _fitting(name, feature, is_number=name in numbers)
        for name, feature in features.items()
    }


def _fitting(name: str, feature: FeatureSchema, *, is_number: bool) -> Fitting:
    size = feature.size
    if feature.kind is None or size is None:
        found, hint = "no values", None
        if feature.kind is not None and feature.num_values is not None:
            least, most = feature.num_values
            found = f"steps of {least} to {most} values"
            hint = (
                "`varlen inspect --save-schema schema.json FILES` leaves a schema; with the number "
                f"that is right for {name!r} in it, `varlen inspect --check --schema schema.json "
                "FILES` names the records that have others"
            )
        raise ConfigError(
            f"input {name!r}: expected a sequence with the same number of values in every step, "
            f"found {found}",
            hint=hint,
        )
    shape = () if size == 1 else (size,)
    if feature.kind == string:
        if shape:
            raise ConfigError(f"input {name!r}: expected one string per step, found {size}")
        return WordFitting()
    if feature.kind == int64 and not shape and not is_number:
        return SymbolFitting(is_text=False)
    return VectorFitting(shape, is_float=feature.kind != int64)


def _two_steps(spec: Spec) -> list[Any]:
    if spec.dtype == np.dtype(object):
        return ["first", "second"]
    size = int(np.prod(spec.shape))
    step: Any = 0 if spec.dtype == int64 else 0.5
    return [[step] * size if spec.shape else step] * 2


def value_of(example: Mapping[str, Any], name: str) -> Any:
    """The value of a feature of an example that comes from anywhere.

    Raises:
        FeatureError: it is missing.
    """
    if name not in example:
        found = ", ".join(map(repr, example)) or "none"
        raise FeatureError(f"no feature {name!r}", hint=f"features found: {found}")
    return example[name]


def check_same_length(lengths: Mapping[str, npt.NDArray[np.int64]]) -> None:
    """Refuses sequences of an example, or of a batch of them, that are not of one length.

    Raises:
        FeatureError: they are not.
    """
    first, *others = lengths.values()
    for other in others:
        if not np.array_equal(first, other):
            row = np.argmax(np.atleast_1d(first != other))
            found = " and ".join(f"{np.ravel(of)[row]} of {name!r}" for name, of in lengths.items())
            raise FeatureError(f"expected as many steps in all features, found {found}")
