"""Whether a model is right as often as it is sure."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NUM_BINS = 10


class Calibration(NamedTuple):
    """Decisions by the probability that the model gave to them, in bins of equal width.

    Attributes:
        counts: of each bin, how many decisions.
        correct: how many of them are right.
        confidence: the sum of their probabilities.
    """

    counts: Ints
    correct: Ints
    confidence: Floats

    @classmethod
    def of(cls, confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> "Calibration":
        """That of some decisions: the probability of each, and whether it is right."""
        numbers = np.clip((confidence * NUM_BINS).astype(np.int64), 0, NUM_BINS - 1)
        return cls(
            np.bincount(numbers, minlength=NUM_BINS),
            np.bincount(numbers[right], minlength=NUM_BINS),
            np.bincount(numbers, confidence.astype(np.float64), NUM_BINS).astype(np.float64),
        )

    def joined(self, other: "Calibration") -> "Calibration":
        """That of the decisions of both."""
        return Calibration(
            self.counts + other.counts,
            self.correct + other.correct,
            self.confidence + other.confidence,
        )

    @property
    def error(self) -> float:
        """The expected calibration error (Naeini, Cooper and Hauskrecht 2015).

        The mean, over decisions, of the difference between the share of right ones in their bin
        and the mean probability in it; 0 without decisions.
        """
        total = self.counts.sum()
        return float(np.abs(self.correct - self.confidence).sum() / total) if total else 0.0
