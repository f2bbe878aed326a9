"""Integer ids or strings of a fixed set, each with a number; 0 stands for all that are unknown."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int
from torch import Tensor, nn

from varlen.features import FixedLenSequenceFeature
from varlen.train.inputs._encoder import Spec, texts
from varlen.train.inputs._table import embedding_table
from varlen.train.inputs._vocabulary import Vocabulary

_LARGEST_EMBEDDING = 128


@dataclass(frozen=True)
class SymbolEncoder:
    """Numbers the distinct values of a training split from 1 on, the frequent first.

    Attributes:
        vocabulary: the values, ids as decimal text.
        is_text: whether they are strings rather than integers.
    """

    kind: ClassVar[str] = "symbols"

    vocabulary: Vocabulary
    is_text: bool

    @property
    def spec(self) -> Spec:
        return FixedLenSequenceFeature([], bytes if self.is_text else np.int64)

    @property
    def summary(self) -> str:
        return f"{len(self.vocabulary):,} {'symbols' if self.is_text else 'ids'}"

    def __len__(self) -> int:
        """How many numbers there are, that of the unknown included."""
        return 1 + len(self.vocabulary)

    def encode(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        names = _names(values, is_text=self.is_text)
        numbers = self.vocabulary.numbers
        return np.array([numbers.get(name, -1) + 1 for name in names], np.int64)

    def layer(self) -> nn.Module:
        return SymbolLayer(len(self))

    def to_json(self) -> dict[str, Any]:
        return {"is_text": self.is_text, "tokens": list(self.vocabulary.tokens)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "SymbolEncoder":
        return cls(Vocabulary(tuple(stored["tokens"])), bool(stored["is_text"]))


class SymbolFitting:
    """Counts values."""

    def __init__(self, *, is_text: bool) -> None:
        self._is_text = is_text
        self._counts: Counter[str] = Counter()

    def add(self, values: npt.NDArray[Any]) -> None:
        self._counts.update(_names(values, is_text=self._is_text))

    def encoder(self) -> SymbolEncoder:
        return SymbolEncoder(Vocabulary.count(self._counts), self._is_text)


class SymbolLayer(nn.Module):
    """An embedding, as wide as there are symbols, up to 128."""

    def __init__(self, num_symbols: int) -> None:
        super().__init__()
        self.size = min(num_symbols, _LARGEST_EMBEDDING)
        self.embedding = embedding_table(num_symbols, self.size)

    def forward(self, numbers: Int[Tensor, " steps"]) -> Float[Tensor, "steps features"]:
        embedded: Tensor = self.embedding(numbers)
        return embedded


def _names(values: npt.NDArray[Any], *, is_text: bool) -> list[str]:
    return texts(values) if is_text else [str(value) for value in np.asarray(values).tolist()]
