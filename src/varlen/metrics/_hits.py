"""What was found, of what there was: the counts behind precision, recall and F1."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hits:
    """Things that were predicted, that are there, and both. Counts of batches may be added.

    Attributes:
        correct: predicted, and there.
        predicted: all that was predicted.
        actual: all that is there.
    """

    correct: int = 0
    predicted: int = 0
    actual: int = 0

    def __add__(self, other: "Hits") -> "Hits":
        return Hits(
            self.correct + other.correct,
            self.predicted + other.predicted,
            self.actual + other.actual,
        )

    @property
    def precision(self) -> float:
        """The share of what was predicted that is there; NaN if nothing was."""
        return _share(self.correct, self.predicted)

    @property
    def recall(self) -> float:
        """The share of what is there that was predicted; NaN if there is nothing."""
        return _share(self.correct, self.actual)

    @property
    def f1(self) -> float:
        """The harmonic mean of both; NaN if there is nothing and nothing was predicted."""
        return _share(2 * self.correct, self.predicted + self.actual)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
