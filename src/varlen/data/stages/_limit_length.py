"""`LimitLength`: what becomes of sequences that are too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from varlen.data._cut import cut, joint_length
from varlen.data._stage import StageIterator
from varlen.data.stages._pieces import PiecesIterator
from varlen.errors import FeatureError, check_integer
from varlen.records import Record

_POLICIES = ("error", "truncate", "split", "skip")


@dataclass(frozen=True)
class LimitLength:
    """Lets no example pass that has more than `max_length` steps.

    Nothing is lost unsaid: the iterator's `counts` has, of the pass so far, the `examples` that
    came, those of them that were `too_long`, all `steps` that came, and the `steps_lost`.

    Args:
        names: the sequence that has the length, or several that go together, which have one length
            and are cut together.
        max_length: the most steps, at least 1.
        policy: of a sequence that is too long, "truncate" keeps the first `max_length` steps,
            "split" makes examples of its parts, each of which has the other features whole, "skip"
            leaves out the example, and "error" raises.

    Raises:
        TypeError: no name, names that are no strings, or a length that is not an integer; while
            iterating, a feature that is no sequence, or a raw record that would have to be cut.
        ValueError: a length below 1, or another policy; while iterating, no such feature,
            or several of unequal length.
        FeatureError: while iterating with "error"; a sequence is too long.
    """

    names: str | Sequence[str]
    max_length: int
    policy: Literal["error", "truncate", "split", "skip"] = "error"

    def __post_init__(self) -> None:
        is_list = isinstance(self.names, Sequence) and not isinstance(self.names, str)
        names = tuple(self.names) if is_list else (self.names,)
        if not names or not all(isinstance(name, str) for name in names):
            raise TypeError(
                "LimitLength: names: expected the name of a feature, or a list of them, "
                f"found {self.names!r}"
            )
        object.__setattr__(self, "names", names)
        check_integer(self.max_length, "LimitLength: max_length", at_least=1)
        if self.policy not in _POLICIES:
            raise ValueError(
                f"LimitLength: policy: expected one of {', '.join(_POLICIES)}, "
                f"found {self.policy!r}"
            )

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return _LimitLengthIterator(self, upstream)


class _LimitLengthIterator(StageIterator):
    def __init__(self, stage: LimitLength, upstream: StageIterator) -> None:
        self._limit = _Limit(stage)
        self._pieces = PiecesIterator(upstream, self._limit)
        self._counts = dict(self._limit.counts)  # that belong to the state

    @property
    def counts(self) -> dict[str, int]:
        """Of this pass so far: examples, too_long, steps, steps_lost."""
        return dict(self._limit.counts)

    def __next__(self) -> Any:
        piece = next(self._pieces)
        self._counts = dict(self._limit.counts)
        return piece

    def state_dict(self) -> dict[str, Any]:
        return {**self._pieces.state_dict(), "counts": dict(self._counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._pieces.load_state_dict(state)
        self._set_counts(state["counts"])

    def begin_epoch(self, epoch: int) -> None:
        self._pieces.begin_epoch(epoch)
        self._set_counts(dict.fromkeys(self._counts, 0))

    def _set_counts(self, counts: dict[str, int]) -> None:
        self._limit.counts = dict(counts)
        self._counts = dict(counts)


class _Limit:
    """The policy, and the counts of what it did."""

    def __init__(self, stage: LimitLength) -> None:
        self._stage = stage
        self.counts = {"examples": 0, "too_long": 0, "steps": 0, "steps_lost": 0}

    def __call__(self, example: Any) -> list[Any]:
        """The examples that are handed out for this one."""
        length = joint_length(example, self._stage.names, "LimitLength")
        is_too_long = length > self._stage.max_length
        pieces = self._pieces_of(example, length) if is_too_long else [example]
        self.counts["examples"] += 1
        self.counts["steps"] += length
        if is_too_long:
            kept = {"split": length, "truncate": self._stage.max_length}.get(self._stage.policy, 0)
            self.counts["too_long"] += 1
            self.counts["steps_lost"] += length - kept
        return pieces

    def _pieces_of(self, example: Any, length: int) -> list[Any]:
        size, names = self._stage.max_length, self._stage.names
        if self._stage.policy == "skip":
            return []
        if self._stage.policy == "error":
            number = self.counts["examples"]
            raise FeatureError(
                f"expected at most {size} steps of {names[0]!r}, found {length}",
                at=example.place
                if isinstance(example, Record)
                else f"example {number} of the pass",
                hint="policy='truncate', 'split' or 'skip' lets LimitLength go on",
            )
        if isinstance(example, Record):
            raise TypeError(
                f"LimitLength: expected a parsed example to {self._stage.policy}, found a record\n"
                "  put it behind Parse, or take policy='skip'"
            )
        end = length if self._stage.policy == "split" else size
        return [cut(example, names, begin, begin + size) for begin in range(0, end, size)]
