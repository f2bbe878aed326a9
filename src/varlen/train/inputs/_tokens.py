"""What language is made of, as numbers: the characters of a text, or the words or ids of a list."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError
from varlen.features import FixedLenFeature, FixedLenSequenceFeature, int64, string
from varlen.train.inputs._encoder import texts
from varlen.train.inputs._vocabulary import Vocabulary

Numbers = npt.NDArray[np.int64]

_UNKNOWN = 0
_LARGEST_CODE = 0x10FFFF


@dataclass(frozen=True)
class TokenEncoder:
    """Numbers the distinct tokens of a training split from 1 on, the frequent first.

    0 stands for all that are unknown, and the number after the last for the boundary: what comes
    before and after a sequence.

    Attributes:
        vocabulary: the tokens, ids as decimal text.
        unit: "character", of a context feature that is text; "word", strings of a feature list; or
            "id", integers of one.
    """

    vocabulary: Vocabulary
    unit: str

    def __len__(self) -> int:
        """How many numbers there are, those of the unknown and of the boundary included."""
        return len(self.vocabulary) + 2

    @property
    def boundary(self) -> int:
        """The number of the boundary."""
        return len(self) - 1

    @property
    def summary(self) -> str:
        """What it is, in a few words."""
        return f"{len(self.vocabulary):,} {self.unit}s"

    @property
    def context(self) -> FixedLenFeature | None:
        """By which a text is parsed; None if there is a feature list."""
        return FixedLenFeature([], string) if self.unit == "character" else None

    @property
    def sequence(self) -> FixedLenSequenceFeature | None:
        """By which a feature list is parsed; None if there is a text."""
        if self.unit == "character":
            return None
        return FixedLenSequenceFeature([], string if self.unit == "word" else int64)

    def encode(self, values: Any) -> Numbers:
        """The numbers of a sequence, without boundaries.

        Args:
            values: a text, or a list or array of words or ids.

        Raises:
            FeatureError: what is none of them.
        """
        if self.unit == "character":
            return self._characters[_codes(_text_of(values))]
        numbers = self.vocabulary.numbers
        return np.array([numbers.get(name, -1) + 1 for name in _names(values, self.unit)], np.int64)

    def decode(self, numbers: Iterable[int]) -> list[Any]:
        """The tokens of numbers, ids as integers; None for the unknown."""
        names = self.vocabulary.tokens
        found = [None if number == _UNKNOWN else names[number - 1] for number in numbers]
        return [None if t is None else int(t) for t in found] if self.unit == "id" else found

    @property
    def separator(self) -> str:
        """What is between tokens where they are shown as text."""
        return "" if self.unit == "character" else " "

    def split(self, text: str) -> Any:
        """Text as somebody types it, in the form in which `encode` takes it.

        Raises:
            FeatureError: words where there are to be ids.
        """
        if self.unit == "character":
            return text
        words = text.split()
        if self.unit == "word":
            return words
        try:
            return [int(word) for word in words]
        except ValueError as error:
            raise FeatureError(f"expected ids, which are integers: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return {"unit": self.unit, "tokens": list(self.vocabulary.tokens)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "TokenEncoder":
        """The inverse of `to_json`."""
        return cls(Vocabulary(tuple(stored["tokens"])), str(stored["unit"]))

    @cached_property
    def _characters(self) -> Numbers:
        """The number of each code point."""
        table = np.zeros(_LARGEST_CODE + 1, np.int64)
        for number, character in enumerate(self.vocabulary.tokens, 1):
            table[ord(character)] = number
        return table


class TokenFitting:
    """Counts tokens.

    Args:
        unit: that of the encoder.
        at_least: what is rarer is unknown.
    """

    def __init__(self, unit: str, *, at_least: int = 1) -> None:
        self._unit = unit
        self._at_least = at_least
        self._counts: Counter[str] = Counter()

    def add(self, values: Any) -> None:
        """Takes in one more sequence."""
        is_text = self._unit == "character"
        self._counts.update(_text_of(values) if is_text else _names(values, self._unit))

    def encoder(self) -> TokenEncoder:
        """The encoder for all sequences so far."""
        vocabulary = Vocabulary.count(self._counts, at_least=self._at_least)
        return TokenEncoder(vocabulary, self._unit)


def _text_of(value: Any) -> str:
    value = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if not isinstance(value, str | bytes):
        raise FeatureError(f"expected text, found {value!r:.60}")
    return texts([value])[0]


def _codes(text: str) -> npt.NDArray[np.uint32]:
    try:
        return np.frombuffer(text.encode("utf-32-le"), np.uint32)
    except UnicodeEncodeError as error:
        raise FeatureError(f"expected text: {error}") from error


def _names(values: Any, unit: str) -> Sequence[str]:
    values = values.tolist() if isinstance(values, np.ndarray) else values
    kind = str | bytes if unit == "word" else int
    if not isinstance(values, list | tuple):
        raise FeatureError(f"expected a list of {unit}s, found {values!r:.60}")
    for value in values:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise FeatureError(f"expected {unit}s, found {value!r:.60}")
    return texts(values) if unit == "word" else [str(value) for value in values]
