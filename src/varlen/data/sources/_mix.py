"""`Mix`: several sources at random, by weight."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal

import numpy as np

from varlen.data._source import Source
from varlen.data._stage import StageIterator
from varlen.data.sources._several import as_sources, check_same, load_states
from varlen.errors import check_integer

_DRAWS_AT_A_TIME = 256
# Behind seed, number and epoch, so that a Shuffle of the same seed has other bits.
_PURPOSE = 1


@dataclass(frozen=True)
class Mix:
    """Takes each item from a source that is drawn at random, by weight.

    The draws depend on `seed` and the epoch alone, so that they are the same on every machine. The
    beginning of a pipeline.

    Args:
        sources: pipelines, or whatever else a pipeline may begin with. One that shall not run dry
            ends with `Repeat`.
        weights: how often each is drawn, in relation to the others; None for all alike.
        seed: at least 0.
        stop: "first" ends when a source that has come to its end is drawn, so that the proportions
            hold throughout; "all" goes on with the others, so that nothing is left out.

    Raises:
        TypeError: not a list of sources, or weights that are no numbers.
        ValueError: no source, not one weight for each, a weight that is not above 0, a seed below
            0, or another `stop`.
    """

    sources: Sequence[Any]
    weights: Sequence[int | float] | None = None
    seed: int = 0
    stop: Literal["first", "all"] = "first"
    _sources: tuple[Source, ...] = field(init=False, repr=False, compare=False)
    _weights: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sources = as_sources(self.sources, "Mix: sources")
        object.__setattr__(self, "_sources", sources)
        weights = (1.0,) * len(sources) if self.weights is None else self.weights
        object.__setattr__(self, "_weights", _checked_weights(weights, len(sources)))
        check_integer(self.seed, "Mix: seed", at_least=0)
        if self.stop not in ("first", "all"):
            raise ValueError(f"Mix: stop: expected 'first' or 'all', found {self.stop!r}")

    def __iter__(self) -> StageIterator:
        return _MixIterator(self, [iter(source) for source in self._sources], self._weights)


def _checked_weights(weights: Any, num_sources: int) -> tuple[float, ...]:
    if len(weights) != num_sources:
        raise ValueError(
            f"Mix: weights: expected one for each of the {num_sources} sources, "
            f"found {len(weights)}"
        )
    for i, weight in enumerate(weights):
        if isinstance(weight, bool | str) or not hasattr(weight, "__float__"):
            raise TypeError(f"Mix: weights[{i}]: expected a number, found {weight!r}")
        if not 0 < weight < math.inf:
            raise ValueError(f"Mix: weights[{i}]: expected a number above 0, found {weight!r}")
    return tuple(map(float, weights))


class _MixIterator(StageIterator):
    def __init__(
        self, stage: Mix, sources: Sequence[StageIterator], weights: Sequence[float]
    ) -> None:
        self._stage = stage
        self._sources = sources
        self._weights = weights
        self._epoch = 0
        self._begin(0, [])

    def _begin(self, draws: int, ended: Sequence[int]) -> None:
        self._draws = draws
        self._drawn: list[float] = []  # those of the block that `draws` is in
        self._set_ended(ended)

    def _set_ended(self, ended: Sequence[int]) -> None:
        self._ended = list(ended)
        self._live = [i for i in range(len(self._sources)) if i not in self._ended]
        self._sums = list(accumulate(self._weights[i] for i in self._live))

    def __next__(self) -> Any:
        while self._live:
            number = self._draw()
            item = next(self._sources[number], _END)
            if item is _END and self._stage.stop == "first":
                break
            # Only now, so that what fails is drawn again.
            self._draws += 1
            if item is not _END:
                return item
            self._set_ended([*self._ended, number])
        raise StopIteration

    def _draw(self) -> int:
        """The source of the next item, from random bits that are a function of its place alone."""
        block, place = divmod(self._draws, _DRAWS_AT_A_TIME)
        if not self._drawn or place == 0:
            generator = np.random.PCG64([self._stage.seed, block, self._epoch, _PURPOSE])
            bits = generator.random_raw(_DRAWS_AT_A_TIME) >> np.uint64(11)
            self._drawn = np.ldexp(bits.astype(np.float64), -53).tolist()
        target = self._drawn[place] * self._sums[-1]
        return self._live[min(bisect_right(self._sums, target), len(self._live) - 1)]

    def state_dict(self) -> dict[str, Any]:
        return {
            "mix": self._description(),
            "draws": self._draws,
            "ended": list(self._ended),
            "sources": [source.state_dict() for source in self._sources],
        }

    def _description(self) -> dict[str, Any]:
        stage = self._stage
        return {"weights": list(self._weights), "seed": stage.seed, "stop": stage.stop}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, now in self._description().items():
            check_same(state["mix"][name], now, name)
        load_states(self._sources, state["sources"])
        self._begin(state["draws"], state["ended"])

    def begin_epoch(self, epoch: int) -> None:
        for source in self._sources:
            source.begin_epoch(epoch)
        self._epoch = epoch
        self._begin(0, [])


_END = object()
