"""Music for the peers: pieces as piano rolls. Runs in interpreters without varlen."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

LOWEST, NUM_NOTES = 21, 88


class Sizes(NamedTuple):
    """What the model is like, from the command line."""

    units: int
    batch_size: int
    dropout: float

    @classmethod
    def of(cls, words: Sequence[str]) -> "Sizes":
        units, batch_size, dropout = words
        return cls(int(units), int(batch_size), float(dropout))


def pieces(path: Path) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """By split, what was heard and what comes next, `[steps, notes]` each."""
    splits = {"train": [], "valid": [], "test": []}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            piece = json.loads(line)
            roll = np.zeros((piece["length"], NUM_NOTES), np.float32)
            for step, notes in enumerate(piece["notes"]):
                roll[step, np.array(notes, np.int64) - LOWEST] = 1
            splits[piece["split"]].append((roll[:-1], roll[1:]))
    return splits
