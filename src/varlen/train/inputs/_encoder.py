"""What an encoder of a feature is: values of steps as numbers, and a layer that reads these."""

from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy.typing as npt
from torch import nn

from varlen.errors import FeatureError
from varlen.features import FixedLenSequenceFeature

Spec = FixedLenSequenceFeature


@runtime_checkable
class Encoder(Protocol):
    """Turns the values of a sequence into numbers, and knows the layer that takes them.

    Attributes:
        kind: its name in a stored vocabulary.
    """

    kind: ClassVar[str]

    @property
    def spec(self) -> Spec:
        """By which records are parsed."""

    @property
    def summary(self) -> str:
        """What it is, in a few words: "19,672 words"."""

    def encode(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The numbers of `[steps, ...]` values, `[steps, ...]`.

        Raises:
            FeatureError: a value that cannot be encoded.
        """

    def layer(self) -> nn.Module:
        """A new layer from `[steps, ...]` numbers to `[steps, layer.size]` features."""

    def to_json(self) -> dict[str, Any]:
        """What the class method `from_json` takes."""


@runtime_checkable
class Fitting(Protocol):
    """Learns an encoder from the values of a training split."""

    def add(self, values: npt.NDArray[Any]) -> None:
        """Takes in the values of one more sequence, `[steps, ...]`."""

    def encoder(self) -> Encoder:
        """The encoder for all values so far."""


def texts(values: Any) -> list[str]:
    """Strings of bytes that are UTF-8, or of strings.

    Raises:
        FeatureError: other bytes.
    """
    try:
        return [value if isinstance(value, str) else value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise FeatureError(f"expected UTF-8 text: {error}") from error
