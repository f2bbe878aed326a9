"""Words as rows of numbers: a word is seen through several views, of which some always work.

A word that training never saw still ends, begins and is capitalised like words that it saw.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from varlen.errors import CheckpointError
from varlen.features import FixedLenSequenceFeature
from varlen.train.inputs._encoder import Spec, texts
from varlen.train.inputs._table import embedding_table
from varlen.train.inputs._vocabulary import Vocabulary

_LONGEST_SHAPE = 8
# A part that is rarer says more about its words than about the part.
_PART_AT_LEAST = 3
_FORM_SIZE = 100
_PART_SIZE = 32
# How often training hides a word's form, so that its other views learn to do without.
_HIDDEN_FORMS = 0.1


def word_shape(word: str) -> str:
    """The pattern of letters and digits, with runs cut to two: `McDonald's` is `XxXxx'x`."""
    runs = groupby(map(_character_kind, word))
    return "".join(kind + kind * (len(list(run)) > 1) for kind, run in runs)[:_LONGEST_SHAPE]


def _character_kind(character: str) -> str:
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return "d" if character.isdigit() else character


VIEWS: dict[str, Callable[[str], str]] = {
    "form": str.lower,
    "prefix_1": lambda word: word[:1].lower(),
    "prefix_2": lambda word: word[:2].lower(),
    "prefix_3": lambda word: word[:3].lower(),
    "suffix_1": lambda word: word[-1:].lower(),
    "suffix_2": lambda word: word[-2:].lower(),
    "suffix_3": lambda word: word[-3:].lower(),
    "suffix_4": lambda word: word[-4:].lower(),
    "shape": word_shape,
}
"""What is looked at in a word, the form first. A stored vocabulary holds on to these names."""


@dataclass(frozen=True)
class WordEncoder:
    """Turns words into rows of numbers, one per view; 0 stands for what training did not see.

    Attributes:
        vocabularies: one per view, in the order of `VIEWS`.
    """

    kind: ClassVar[str] = "words"

    vocabularies: tuple[Vocabulary, ...]
    # By word, as records have it: to decode each takes as long as all else.
    _rows: dict[str | bytes, tuple[int, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def count(cls, words: Iterable[str]) -> "WordEncoder":
        """The encoder for a training split of these words, which may come as a Counter."""
        counts = Counter(words)
        vocabularies = []
        for name, view in VIEWS.items():
            parts: Counter[str] = Counter()
            for word, count in counts.items():
                parts[view(word)] += count
            at_least = 1 if name == "form" else _PART_AT_LEAST
            vocabularies.append(Vocabulary.count(parts, at_least=at_least))
        return cls(tuple(vocabularies))

    @classmethod
    def from_json(cls, stored: dict[str, list[str]]) -> "WordEncoder":
        """The inverse of `to_json`.

        Raises:
            CheckpointError: the views are not those of this version.
        """
        if list(stored) != list(VIEWS):
            raise CheckpointError(
                f"expected the views {', '.join(VIEWS)} of a word, found {', '.join(stored)}"
            )
        return cls(tuple(Vocabulary(tuple(tokens)) for tokens in stored.values()))

    def to_json(self) -> dict[str, list[str]]:
        """What `from_json` takes."""
        return {
            name: list(vocabulary.tokens)
            for name, vocabulary in zip(VIEWS, self.vocabularies, strict=True)
        }

    @property
    def spec(self) -> Spec:
        return FixedLenSequenceFeature([], bytes)

    @property
    def summary(self) -> str:
        return f"{self.num_forms:,} words"

    def layer(self) -> nn.Module:
        return WordLayer(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers there are per view, 0 included."""
        return tuple(1 + len(vocabulary) for vocabulary in self.vocabularies)

    @property
    def num_forms(self) -> int:
        """How many words training saw, whatever their capitals."""
        return len(self.vocabularies[0])

    def __contains__(self, word: str) -> bool:
        return VIEWS["form"](word) in self.vocabularies[0]

    def encode(self, values: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The numbers of words, strings or UTF-8, `[words, views]`.

        Raises:
            FeatureError: bytes that are not UTF-8.
        """
        rows = [self._rows.get(word) or self._encode_word(word) for word in values]
        return np.array(rows, np.int64).reshape(len(rows), len(self.vocabularies))

    def _encode_word(self, given: str | bytes) -> tuple[int, ...]:
        [word] = texts([given])
        views = zip(VIEWS.values(), self.vocabularies, strict=True)
        row = tuple(vocabulary.numbers.get(view(word), -1) + 1 for view, vocabulary in views)
        # A text without end has new words without end, which are not worth keeping.
        if word in self:
            self._rows[given] = row
        return row


class WordFitting:
    """Counts words."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, values: npt.NDArray[Any]) -> None:
        self._counts.update(texts(values))

    def encoder(self) -> WordEncoder:
        return WordEncoder.count(self._counts)


class WordLayer(nn.Module):
    """The embeddings of a word's views, one after the other.

    Args:
        sizes: how many numbers there are per view, the form first; 0 is the unknown.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        widths = [_FORM_SIZE] + [_PART_SIZE] * (len(sizes) - 1)
        self.size = sum(widths)
        self.embeddings = nn.ModuleList(
            embedding_table(size, width) for size, width in zip(sizes, widths, strict=True)
        )

    def forward(self, words: Int[Tensor, "steps views"]) -> Float[Tensor, "steps features"]:
        forms, *parts = words.unbind(-1)
        if self.training:
            hidden = torch.rand(forms.shape, device=forms.device) < _HIDDEN_FORMS
            forms = forms.masked_fill(hidden, 0)
        embedded = [
            embedding(numbers)
            for embedding, numbers in zip(self.embeddings, [forms, *parts], strict=True)
        ]
        return torch.cat(embedded, dim=-1)
