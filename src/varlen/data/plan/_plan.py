"""`BatchPlan`: how the batches of every epoch are made of examples of known lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varlen.buckets import best_boundaries
from varlen.data.plan._choose import choose
from varlen.data.plan._epoch import EpochBatches
from varlen.data.plan._form import in_buckets, in_order, in_windows, shuffled_in_groups
from varlen.data.plan._lengths import ONLY, ExampleLengths, Lengths
from varlen.data.plan._limits import BatchLimits, Budget, TooLong, check_choice
from varlen.data.plan._pair_buckets import PairBuckets, best_pair_buckets, check_rising
from varlen.data.plan._permutation import permutation
from varlen.data.plan._sampler import PlannedSampler
from varlen.data.plan._summary import EpochSummary, summarize
from varlen.data.plan._windows import SortedWindows
from varlen.errors import CheckpointError, check_integer, did_you_mean

_EXAMPLES, _BATCHES = range(2)  # what the seed is used for


@dataclass(frozen=True)
class BatchPlan:
    """How the batches of every epoch are to be made, once the lengths of all examples are known.

    Batches are made of examples that follow each other in the order of the epoch, or, so that
    there is less to pad, of examples in one bucket (`buckets`), or of examples that follow each
    other once windows of the order are sorted by length (`windows`). What comes of it depends on
    the plan, the lengths and the number of the epoch alone, and is the same on every machine.

        plan = BatchPlan(BatchLimits(max_steps=4096), buckets=8, seed=7)
        for positions in plan.over(index.steps).batches(epoch=0):
            ...

    What it gives away: on log-normal lengths (median 30, sigma 0.8, at most 200), batches of 64 in
    random order have 77 % padding, 10 buckets 13.0 %, 32 buckets 3.5 %, and windows of 50 batches
    2.7 %. For that, an example of a million meets in its batch only others of its bucket, of some
    31,000 with 32 buckets; in windows, those of its length among the 3,200 of its window.

    Args:
        limits: what fills a batch; a number is a batch size.
        buckets: how many, to be found from the lengths; or their boundaries, as of
            `best_boundaries`; or `PairBuckets`. None, and no windows: in order.
        windows: the batches in a sorted window, instead of buckets.
        noise: of windows; lengths are multiplied by random numbers from `1 - noise` to
            `1 + noise` before they are sorted, so that examples of one length do not always meet.
        feature: the one that batches are formed by; a pair of them for buckets by both. None is
            the only one there is.
        shuffle: examples and batches come in a random order that is another in each epoch;
            otherwise in that of the lengths, buckets from the shortest to the longest.
        seed: of the random order, at least 0.
        drop_remainder: leave out the last batch of each bucket, or of all, unless it is full.
        max_length: the longest that an example may be: one number for every feature, or by name.
        too_long: what becomes of longer ones: "error" raises ValueError, "skip" leaves them out,
            "truncate" counts them as `max_length`, as `LimitLength` is to make them.
        num_ranks: for how many ranks the order is made: so many batches that follow each other
            are of like lengths. It may be run with any other number as well.

    Raises:
        TypeError: arguments of other types.
        ValueError: arguments that cannot be, or do not go together.
    """

    limits: BatchLimits | int
    _: KW_ONLY
    buckets: int | Sequence[int] | PairBuckets | None = None
    windows: int | None = None
    noise: float = 0.0
    feature: str | tuple[str, str] | None = None
    shuffle: bool = True
    seed: int = 0
    drop_remainder: bool = False
    max_length: Budget | None = None
    too_long: TooLong = "error"
    num_ranks: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.limits, BatchLimits):
            object.__setattr__(self, "limits", BatchLimits(self.limits))
        if isinstance(self.buckets, Sequence):
            object.__setattr__(self, "buckets", tuple(self.buckets))
            check_rising("buckets", self.buckets)
        elif self.buckets is not None and not isinstance(self.buckets, PairBuckets):
            check_integer(self.buckets, "buckets", at_least=1)
        if self.windows is not None:
            check_integer(self.windows, "windows", at_least=1)
        if self.windows is not None and self.buckets is not None:
            raise ValueError("expected buckets or windows, found both")
        if not 0 <= self.noise < 1:
            raise ValueError(f"noise: expected from 0 to below 1, found {self.noise}")
        if self.noise and self.windows is None:
            raise ValueError("noise: expected windows with it, found none")
        self._check_feature()
        if isinstance(self.max_length, Mapping):
            object.__setattr__(self, "max_length", dict(self.max_length))
            for name, number in self.max_length.items():
                check_integer(number, f"max_length[{name!r}]", at_least=0)
        elif self.max_length is not None:
            check_integer(self.max_length, "max_length", at_least=0)
        check_choice(self.too_long, "too_long", ("error", "skip", "truncate"))
        check_integer(self.seed, "seed", at_least=0)
        check_integer(self.num_ranks, "num_ranks", at_least=1)

    def _check_feature(self) -> None:
        if isinstance(self.feature, str) or self.feature is None:
            is_pair = False
        else:
            object.__setattr__(self, "feature", tuple(self.feature))
            is_pair = True
            if len(self.feature) != 2:
                raise ValueError(f"feature: expected one or two, found {len(self.feature)}")
        if isinstance(self.buckets, PairBuckets) and not is_pair:
            raise ValueError("PairBuckets: expected a pair of features, found one")
        if isinstance(self.buckets, tuple) and is_pair:
            raise ValueError("a pair of features: expected PairBuckets, found boundaries")

    def over(self, lengths: Lengths, *, num_bytes: ArrayLike | None = None) -> "PlannedBatches":
        """The batches of examples of these lengths.

        Args:
            lengths: integers, `[examples]`; or such arrays by the name of a feature.
            num_bytes: of the record of each example, `[examples]`; for `max_bytes`.

        Raises:
            TypeError: lengths that are no integers.
            ValueError: lengths that do not go together or are below 0; features of the plan
                without lengths; `max_bytes` without `num_bytes`; and as the policies say for an
                example that is longer than `max_length` or exceeds a budget alone.
        """
        return PlannedBatches(self, ExampleLengths.of(lengths, num_bytes))

    @property
    def batch_limits(self) -> BatchLimits:
        """What fills a batch."""
        return self.limits if isinstance(self.limits, BatchLimits) else BatchLimits(self.limits)

    def named_features(self) -> set[str]:
        """The features whose lengths it asks for by name."""
        names = {self.feature} if isinstance(self.feature, str) else set(self.feature or ())
        longest = self.max_length if isinstance(self.max_length, Mapping) else ()
        return names | self.batch_limits.features() | set(longest)

    def needs_lengths(self) -> bool:
        """Whether it goes by anything but the number of examples and their bytes."""
        limits = self.batch_limits
        by = (self.buckets, self.windows, self.max_length)
        return any(part is not None for part in (*by, limits.max_steps, limits.max_padded_steps))

    def describe(self) -> dict[str, Any]:
        """The plan as plain data, for JSON."""
        return {name: _plain(value) for name, value in asdict(self).items()}


class PlannedBatches:
    """The batches of examples of known lengths, as `BatchPlan.over` gives them.

    Attributes:
        plan: how they are made.
        examples: which examples are in batches, and which are not.
        features: what batches are formed by: one name, or two; without any, all.
        buckets: the boundaries of buckets, given or found; those of a pair; None without buckets.
    """

    def __init__(self, plan: BatchPlan, lengths: ExampleLengths) -> None:
        self.plan = plan
        self.features = _features(plan, lengths)
        _check_known(plan, lengths)
        self.examples = choose(lengths, plan.batch_limits, plan.max_length, plan.too_long)
        self.buckets = self._find_buckets()
        self._numbers = self._bucket_numbers()
        self._made: tuple[int, EpochBatches] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many examples are too long, or exceed a budget alone, and are treated as such."""
        return {"too_long": len(self.examples.too_long), "oversize": len(self.examples.oversize)}

    def batches(self, epoch: int) -> EpochBatches:
        """All batches of an epoch in their order, whatever the number of ranks.

        Raises:
            TypeError: not an integer.
            ValueError: below 0.
        """
        check_integer(epoch, "epoch", at_least=0)
        if self._made is None or self._made[0] != epoch:
            self._made = (epoch, self._make(epoch))
        return self._made[1]

    def num_batches(self, epoch: int) -> int:
        """How many batches an epoch has; where budgets fill them, epochs may differ."""
        return len(self.batches(epoch))

    def num_steps(self, epoch: int, *, num_ranks: int = 1, begin: int = 0) -> int:
        """How many steps each of so many ranks makes, after `begin` batches that are done."""
        return -(-max(0, self.num_batches(epoch) - begin) // num_ranks)

    def summary(self, epoch: int) -> EpochSummary:
        """What the batches of an epoch are like, and how much of them is padding.

        Raises:
            TypeError: not an integer.
            ValueError: below 0.
        """
        return summarize(
            self.batches(epoch),
            self.examples.lengths,
            self.features,
            self.plan.batch_limits,
            self._numbers,
            self.examples.kept,
            epoch=epoch,
            seed=self.plan.seed,
            num_ranks=self.plan.num_ranks,
        )

    def sampler(self, rank: int = 0, num_ranks: int = 1) -> PlannedSampler:
        """The batches of one rank, as `batch_sampler` of a DataLoader.

        Raises:
            TypeError: not integers.
            ValueError: a rank that there cannot be.
        """
        return PlannedSampler(self, rank, num_ranks)

    def identity(self) -> dict[str, Any]:
        """By what a state knows these batches: plain data, of a size that does not grow."""
        return {
            "plan": self.plan.describe(),
            "examples": len(self.examples.lengths),
            "lengths": self._digest,
        }

    def check_identity(self, state: Mapping[str, Any]) -> None:
        """Refuses a state that has not this identity.

        Raises:
            CheckpointError: it says what differs.
        """
        here = self.identity()
        if not here.keys() <= state.keys():
            raise CheckpointError(f"expected the state of a plan, found one of {sorted(state)}")
        theirs = state["plan"]
        for name, value in here["plan"].items():
            if theirs.get(name) != value:
                raise CheckpointError(
                    f"the state is that of a plan with {name}={theirs.get(name)!r}, "
                    f"this one has {value!r}"
                )
        if state["examples"] != here["examples"]:
            raise CheckpointError(
                f"the state is that of a plan over {state['examples']} examples, this one has "
                f"{here['examples']}"
            )
        if state["lengths"] != here["lengths"]:
            raise CheckpointError(
                "the state is that of a plan over examples of other lengths, as many as here"
            )

    @cached_property
    def _digest(self) -> str:
        return self.examples.lengths.digest()

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The examples of an epoch in the order in which batches take them, as positions."""
        if not self.plan.shuffle:
            return self.examples.kept
        drawn = permutation(len(self.examples.kept), self.plan.seed, epoch, stream=_EXAMPLES)
        return self.examples.kept[drawn]

    def _make(self, epoch: int) -> EpochBatches:
        batches = self._form(self.order(epoch), epoch)
        if not self.plan.shuffle:
            return batches
        num_groups = -(-len(batches) // self.plan.num_ranks)
        return shuffled_in_groups(
            batches,
            self._cost(batches),
            self.plan.num_ranks,
            permutation(num_groups, self.plan.seed, epoch, stream=_BATCHES),
        )

    def _form(self, order: NDArray[np.int64], epoch: int) -> EpochBatches:
        limits, lengths = self.plan.batch_limits, self.examples.lengths
        full_only = self.plan.drop_remainder
        if self._numbers is not None:
            return in_buckets(limits, lengths, order, self._numbers, full_only=full_only)
        if self.plan.windows is not None:
            windows = SortedWindows(
                limits, self.plan.windows, self.plan.noise, self.plan.seed, epoch
            )
            return in_windows(windows, lengths, order, self.features, full_only=full_only)
        return in_order(limits, lengths, order, full_only=full_only)

    def _cost(self, batches: EpochBatches) -> NDArray[np.int64]:
        """What batches of like cost have in common: first the longest, then the real steps."""
        if self.plan.num_ranks == 1:
            return batches.begins  # not asked for
        arrays = [self.examples.lengths.steps[name] for name in self.features]
        longest = np.sum([batches.longest(steps) for steps in arrays], axis=0)
        real = np.sum([batches.sums(steps) for steps in arrays], axis=0)
        ranked = np.empty(len(batches), np.int64)
        ranked[np.lexsort((real, longest))] = np.arange(len(batches))
        return ranked

    def _find_buckets(self) -> tuple[int, ...] | PairBuckets | None:
        wanted = self.plan.buckets
        if not isinstance(wanted, int):
            return wanted if wanted is None or isinstance(wanted, PairBuckets) else tuple(wanted)
        first, *others = (
            self.examples.lengths.steps[name][self.examples.kept] for name in self.features
        )
        multiple_of = self.plan.batch_limits.multiple_of
        if others:
            return best_pair_buckets(first, others[0], wanted, multiple_of=multiple_of)
        return best_boundaries(first, wanted, multiple_of=multiple_of)

    def _bucket_numbers(self) -> NDArray[np.int64] | None:
        steps = [self.examples.lengths.steps[name] for name in self.features]
        if self.buckets is None:
            return None
        if isinstance(self.buckets, PairBuckets):
            return self.buckets.numbers_of(*steps)
        return np.searchsorted(self.buckets, steps[0], side="right")


def _features(plan: BatchPlan, lengths: ExampleLengths) -> tuple[str, ...]:
    if plan.feature is None:
        if len(lengths.steps) > 1 and (plan.buckets is not None or plan.windows is not None):
            raise ValueError(
                "feature: expected the name of the one that batches are formed by, found None; "
                + did_you_mean("", lengths.steps)
            )
        return tuple(lengths.steps)
    names = (plan.feature,) if isinstance(plan.feature, str) else plan.feature
    if list(lengths.steps) == [ONLY] and len(names) == 1:
        return (ONLY,)  # a plan that names its feature, over the lengths of just that one
    for name in names:
        lengths.of_feature(name, "feature")
    return names


def _check_known(plan: BatchPlan, lengths: ExampleLengths) -> None:
    """Checks that everything that the plan asks for has lengths."""
    if isinstance(plan.max_length, Mapping):
        for name in plan.max_length:
            lengths.of_feature(name, "max_length")
    for name in sorted(plan.batch_limits.features()):
        lengths.of_feature(name, "limits")
    if plan.batch_limits.max_bytes is not None and lengths.num_bytes is None:
        raise ValueError("max_bytes: expected num_bytes with the lengths, found none")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value
