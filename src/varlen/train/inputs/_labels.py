"""Classes: the distinct labels of a training split, as numbers from 0 on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError, did_you_mean
from varlen.train.inputs._encoder import texts
from varlen.train.inputs._vocabulary import Vocabulary


@dataclass(frozen=True)
class Labels:
    """The classes, strings or integers. One that is not here cannot be learned or scored.

    Attributes:
        vocabulary: the labels, integers as decimal text; strings the frequent first, integers in
            their order.
        is_text: whether they are strings rather than integers.
    """

    vocabulary: Vocabulary
    is_text: bool

    @classmethod
    def count(cls, labels: Iterable[str], *, is_text: bool) -> "Labels":
        """The labels that occur, which may come as a Counter."""
        counts = Counter(labels)
        if is_text:
            return cls(Vocabulary.count(counts, at_least=0), True)
        return cls(Vocabulary(tuple(sorted(counts, key=int))), False)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels as text, in the order of their numbers."""
        return self.vocabulary.tokens

    @property
    def dtype(self) -> Any:
        """Of the feature."""
        return bytes if self.is_text else np.int64

    def __len__(self) -> int:
        return len(self.vocabulary)

    def encode(self, labels: Any) -> npt.NDArray[np.int64]:
        """The numbers of labels, in a flat array.

        Raises:
            FeatureError: the training split had no such label.
        """
        names = label_names(labels, is_text=self.is_text)
        numbers = self.vocabulary.numbers
        try:
            return np.array([numbers[name] for name in names], np.int64)
        except KeyError as error:
            [name] = error.args
            raise FeatureError(
                f"label {name!r} was not in the training split",
                hint="correct it, leave the record out, or put some like it into that split; of "
                f"labels, {did_you_mean(name, self.names[:100])}",
            ) from None

    def decode(self, numbers: Iterable[int]) -> list[Any]:
        """The labels of numbers."""
        return [self.names[i] if self.is_text else int(self.names[i]) for i in numbers]

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return {"is_text": self.is_text, "labels": list(self.names)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Labels":
        """The inverse of `to_json`."""
        return cls(Vocabulary(tuple(stored["labels"])), bool(stored["is_text"]))


def label_names(labels: Any, *, is_text: bool) -> list[str]:
    """Labels, of which there may be one or many, as text."""
    flat = np.asarray(labels, object if is_text else None).reshape(-1).tolist()
    return texts(flat) if is_text else [str(label) for label in flat]


class LabelFitting:
    """Counts labels."""

    def __init__(self, *, is_text: bool) -> None:
        self._is_text = is_text
        self._counts: Counter[str] = Counter()

    def add(self, values: Any) -> None:
        """Takes in some labels."""
        self._counts.update(label_names(values, is_text=self._is_text))

    @property
    def elsewhere(self) -> "LabelsElsewhere":
        """What takes in labels that are to be known, though they are not learned from."""
        return LabelsElsewhere(self._counts, self._is_text)

    def labels(self) -> Labels:
        """The labels so far."""
        return Labels.count(self._counts, is_text=self._is_text)


@dataclass(frozen=True)
class LabelsElsewhere:
    """Adds labels to what a `LabelFitting` has counted, as often as never."""

    counts: Counter[str]
    is_text: bool

    def add(self, values: Any) -> None:
        """Takes in some labels."""
        self.counts.update(dict.fromkeys(label_names(values, is_text=self.is_text), 0))
