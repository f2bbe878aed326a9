"""Which classes are taken for which: counts of the pairs that occur, since most never do."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Confusion(NamedTuple):
    """Decisions by the class that is right and the class that was given.

    A matrix of all pairs would take 80 GB for 100,000 classes.

    Attributes:
        num_classes: how many there are.
        true: of each pair that occurs, the class that is right, as a number; `[pairs]`.
        given: the class that was given.
        counts: how often.
    """

    num_classes: int
    true: Ints
    given: Ints
    counts: Ints

    @classmethod
    def of_keys(cls, counts: Mapping[int, int], num_classes: int) -> "Confusion":
        """That of counts by key, which is `true * num_classes + given`."""
        keys = np.fromiter(counts, np.int64, len(counts))
        true, given = np.divmod(keys, max(num_classes, 1))
        return cls(num_classes, true, given, np.fromiter(counts.values(), np.int64, len(counts)))

    @property
    def totals(self) -> Ints:
        """Of each class, how many decisions have it; `[classes]`."""
        return self._summed(self.true)

    @property
    def times_given(self) -> Ints:
        """Of each class, how often it was given; `[classes]`."""
        return self._summed(self.given)

    @property
    def correct(self) -> Ints:
        """Of each class, how often it was given rightly; `[classes]`."""
        return self._summed(self.true, self.true == self.given)

    def among(self, classes: Ints) -> Ints:
        """The matrix of some classes, each once: `[true, given]`."""
        places = np.full(self.num_classes, -1)
        places[classes] = np.arange(len(classes))
        rows, columns = places[self.true], places[self.given]
        inside = (rows >= 0) & (columns >= 0)
        matrix = np.zeros((len(classes), len(classes)), np.int64)
        matrix[rows[inside], columns[inside]] = self.counts[inside]
        return matrix

    def mistakes(self, most: int) -> list[tuple[int, int, int]]:
        """The most frequent pairs of a right and another given class, with how often they occur."""
        wrong = np.flatnonzero(self.true != self.given)
        true, given, counts = self.true[wrong], self.given[wrong], self.counts[wrong]
        order = np.lexsort((given, true, -counts))[:most]
        return list(
            zip(true[order].tolist(), given[order].tolist(), counts[order].tolist(), strict=True)
        )

    def _summed(self, classes: Ints, which: npt.NDArray[np.bool_] | None = None) -> Ints:
        summed = np.zeros(self.num_classes, np.int64)
        chosen = slice(None) if which is None else which
        np.add.at(summed, classes[chosen], self.counts[chosen])
        return summed
