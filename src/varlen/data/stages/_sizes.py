"""What examples take of the budgets of a batch: their steps by feature, and their bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from varlen.data._collate import sequence_lengths
from varlen.data.plan import BatchLimits
from varlen.records import Record
from varlen.sequences import JaggedSequence

Size = tuple[Mapping[str, int], int]
SizesOf = Callable[[Sequence[Any]], list[Size]]


def sizes_by(limits: BatchLimits, names: Sequence[str]) -> SizesOf | None:
    """How to find the sizes of some examples; None if limits go by their number alone.

    Args:
        names: the features that budgets without a name hold for; without any, all JaggedSequences
            of an example.
    """
    budgets = [b for b in (limits.max_steps, limits.max_padded_steps) if b is not None]
    if not budgets and limits.max_bytes is None:
        return None
    takes_all = any(not isinstance(budget, Mapping) for budget in budgets)
    named = sorted({*limits.features(), *(names if takes_all else ())})

    def sizes(examples: Sequence[Any]) -> list[Size]:
        num_bytes = [0 if limits.max_bytes is None else _num_bytes(e) for e in examples]
        if takes_all and not names:
            lengths: list[Mapping[str, int]] = [_all_lengths(example) for example in examples]
        else:
            columns = [sequence_lengths(examples, name) for name in named]
            rows = zip(*columns, strict=True) if columns else [()] * len(examples)
            lengths = [dict(zip(named, row, strict=True)) for row in rows]
        return list(zip(lengths, num_bytes, strict=True))

    return sizes


def place_of(example: Any) -> str:
    """An example, as messages name it."""
    return example.place if isinstance(example, Record) else "an example"


def _all_lengths(example: Any) -> dict[str, int]:
    if not isinstance(example, Mapping):
        raise TypeError(
            f"{place_of(example)}: expected a dict of features, whose steps a budget counts, "
            f"found {type(example).__name__}\n"
            "  name the feature: BatchLimits(max_steps={'tokens': 4096})"
        )
    names = [name for name, value in example.items() if isinstance(value, JaggedSequence)]
    return {name: sequence_lengths([example], name)[0] for name in names}


def _num_bytes(example: Any) -> int:
    if not isinstance(example, Record):
        raise TypeError(
            f"max_bytes: expected raw records, as those of Records, found {type(example).__name__}"
        )
    return len(example.data)
