"""Sets of notes that sound together, as a 0 or 1 for each note there is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError
from varlen.features import FixedLenSequenceFeature, VarLenFeature, int64
from varlen.sequences import SparseValues

Roll = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class NoteEncoder:
    """Turns the steps of a piece into rows of 0 and 1.

    A step is the list of its notes, of any number and in any order, such as MIDI numbers; or, if
    `is_dense`, it is such a row already.

    Attributes:
        lowest: the note of the first column.
        num_notes: how many columns there are.
        is_dense: whether steps are rows.
        is_float: whether the numbers of rows are float32 rather than int64.
    """

    lowest: int
    num_notes: int
    is_dense: bool = False
    is_float: bool = False

    @property
    def spec(self) -> FixedLenSequenceFeature | VarLenFeature:
        """By which records are parsed."""
        if self.is_dense:
            return FixedLenSequenceFeature([self.num_notes], np.float32 if self.is_float else int64)
        return VarLenFeature(int64)

    @property
    def summary(self) -> str:
        """What it is, in a few words."""
        if self.is_dense:
            return f"{self.num_notes} notes"
        return f"{self.num_notes} notes from {self.lowest} on"

    def encode(self, steps: Any) -> Roll:
        """The rows of the steps of a piece, `[steps, notes]`.

        Args:
            steps: as records are parsed, or lists of notes, or rows.

        Raises:
            FeatureError: a note out of range, or a row of another size or of other numbers.
        """
        if self.is_dense:
            return self._checked_rows(steps)
        if not isinstance(steps, SparseValues):
            steps = _sparse(steps)
        roll = np.zeros((int(steps.dense_shape[0]), self.num_notes), np.uint8)
        columns = steps.values - self.lowest
        wrong = np.flatnonzero((columns < 0) | (columns >= self.num_notes))
        if len(wrong):
            note, step = steps.values[wrong[0]], steps.indices[wrong[0], 0]
            raise FeatureError(
                f"expected notes from {self.lowest} to {self.lowest + self.num_notes - 1}, "
                f"found {note} in step {step}",
                hint="--lowest and --highest of the training say what there may be",
            )
        roll[steps.indices[:, 0], columns] = 1
        return roll

    def decode(self, rows: npt.NDArray[Any]) -> list[list[int]]:
        """The steps of rows `[steps, notes]`, in the form in which `encode` takes them."""
        if self.is_dense:
            return [[int(value) for value in row] for row in rows.tolist()]
        return [[self.lowest + int(column) for column in np.flatnonzero(row)] for row in rows]

    def to_json(self) -> dict[str, Any]:
        """What makes an equal one."""
        return {
            "lowest": self.lowest,
            "num_notes": self.num_notes,
            "is_dense": self.is_dense,
            "is_float": self.is_float,
        }

    def _checked_rows(self, steps: Any) -> Roll:
        try:
            rows = np.asarray(steps, np.float64)
        except (TypeError, ValueError) as error:
            raise FeatureError(f"expected rows of 0 and 1: {error}") from error
        if not rows.size:
            return np.zeros((0, self.num_notes), np.uint8)
        if rows.ndim != 2 or rows.shape[1] != self.num_notes:
            raise FeatureError(
                f"expected rows of {self.num_notes} numbers, found shape {rows.shape}"
            )
        wrong = np.argwhere((rows != 0) & (rows != 1))
        if len(wrong):
            step, column = wrong[0].tolist()
            raise FeatureError(
                f"expected 0 or 1, found {rows[step, column]:g} in step {step}, column {column}"
            )
        return rows.astype(np.uint8)


class NoteCounts:
    """Counts in how many steps each note sounds."""

    def __init__(self, encoder: NoteEncoder) -> None:
        self._encoder = encoder
        self._counts = np.zeros(encoder.num_notes, np.int64)
        self._num_steps = 0

    def add(self, steps: Any) -> None:
        """Takes in one more piece."""
        roll = self._encoder.encode(steps)
        self._counts += roll.sum(0, dtype=np.int64)
        self._num_steps += len(roll)

    def shares(self) -> list[float]:
        """Of each note, how many of all steps have it; between 0 and 1, by half a step at least."""
        shares: list[float] = ((self._counts + 0.5) / (self._num_steps + 1)).tolist()
        return shares


def _sparse(steps: Any) -> SparseValues:
    """Lists of notes as `VarLenFeature` parses them."""
    if not isinstance(steps, list | tuple):
        raise FeatureError(f"expected a list of steps, found {steps!r:.60}")
    for number, step in enumerate(steps):
        is_list = isinstance(step, list | tuple)
        if not is_list or not all(type(note) is int for note in step):
            raise FeatureError(
                f"expected a list of notes, which are integers, found {step!r:.60} in step {number}"
            )
    counts = [len(step) for step in steps]
    notes = [note for step in steps for note in step]
    if notes and max(map(abs, notes)) >= 2**63:
        raise FeatureError("expected notes, found an integer of more than 64 bits")
    rows = np.repeat(np.arange(len(steps)), counts)
    columns = np.concatenate([np.arange(0), *map(np.arange, counts)])
    shape = np.array([len(steps), max(counts, default=0)], np.int64)
    return SparseValues(np.stack([rows, columns], 1), np.array(notes, np.int64), shape)
