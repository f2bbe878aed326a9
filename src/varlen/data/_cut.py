"""Sequences of an example that go together: their length, and parts of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varlen.data._collate import sequence_length
from varlen.sequences import JaggedSequence


def sequence_names(example: Any, stage: str) -> list[str]:
    """The features of an example that are sequences.

    Raises:
        TypeError: not a dict of features.
        ValueError: there is none.
    """
    if not isinstance(example, Mapping):
        raise TypeError(f"{stage}: expected a dict of features, found {type(example).__name__}")
    names = [name for name, value in example.items() if isinstance(value, JaggedSequence)]
    if not names:
        raise ValueError(
            f"{stage}: expected an example with a sequence, JaggedSequence(values, length), "
            f"found {', '.join(map(repr, example)) or 'no feature'}"
        )
    return names


def joint_length(example: Any, names: Sequence[str], stage: str) -> int:
    """The length that the sequences `names` of an example, or a record, have in common.

    Raises:
        TypeError: not an example, or a feature that is no sequence.
        ValueError: no such feature, or two lengths.
    """
    lengths = [sequence_length(example, name) for name in names]
    for name, length in zip(names, lengths, strict=True):
        if length != lengths[0]:
            raise ValueError(
                f"{stage}: expected sequences of one length, as they are cut together, found "
                f"{lengths[0]} steps of {names[0]!r} and {length} of {name!r}"
            )
    return lengths[0]


def cut(example: Mapping[str, Any], names: Sequence[str], begin: int, end: int) -> dict[str, Any]:
    """The example with the steps from `begin` to `end` alone of its sequences `names`."""
    cut_rows = {}
    for name in names:
        values = example[name].values[begin:end]
        cut_rows[name] = JaggedSequence(values, np.int64(len(values)))
    return {**example, **cut_rows}
