"""`Pipeline`: a beginning and stages, and passes over what comes out of them."""

import copy
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import IterableDataset

from varlen.data._describe import describe
from varlen.data._loader_state import furthest_state
from varlen.data._share import ShareIterator
from varlen.data._source import Source
from varlen.data._stage import Stage, StageIterator
from varlen.data._stats import PipelineStats
from varlen.data._tally import END, Tally
from varlen.data._timed import timed
from varlen.data._workers import share_of, shared_by
from varlen.errors import CheckpointError, check_integer

_VERSION = 1


class Pipeline(IterableDataset[Any]):
    """What is done to items on their way from a source to the consumer.

    Iterating makes a pass, from the first item to the last; every pass is the same, unless it is
    told by `begin_epoch` to be that of another epoch, or repeated by `Repeat`. A pass has
    `state_dict` and `load_state_dict`, and a pass of an equal pipeline that loads the state gives
    exactly the items that were still to come. After an error or an interrupt, the pass goes on
    with the item that failed, unless its source is an iterator, which cannot be wound back.

        pipeline = Pipeline(Records("train-*.tfrecord"), Shuffle(10_000, seed=7), ...)
        for batch in pipeline:
            ...

    It is a dataset for `DataLoader(pipeline, batch_size=None, num_workers=2)` and torchdata's
    StatefulDataLoader: the workers share a pass, and its items come in the same order as without
    workers. All of them do the work up to the last batch that is formed, each with its own share
    from there on, so put what takes long, as `Parse`, after it.

    Args:
        source: `Records`, or any iterable of items, or a function without arguments that returns
            one, or a map-style dataset. It must give the same items every time; an iterator can be
            gone through once. What has `__len__` and `__getitem__` is resumed at once, all else by
            going through it again.
        *stages: what to do, in order.

    Raises:
        TypeError: a source that is not iterable, or a stage that is none.
    """

    def __init__(self, source: Any, *stages: Stage) -> None:
        self._source = Source(source)
        for i, stage in enumerate(stages, 1):
            if isinstance(stage, type) or not isinstance(stage, Stage):
                found = f"the class {stage.__name__}" if isinstance(stage, type) else repr(stage)
                raise TypeError(
                    f"Pipeline: expected a stage in place {i}, found {found}; only the first "
                    "argument is a source"
                )
        self._stages = stages
        self._ranks: tuple[int, int] | None = None
        self._epoch = 0
        self._start: dict[str, Any] | None = None
        self._latest: Tally | None = None  # of the pass that was begun last

    def for_rank(self, rank: int, num_ranks: int) -> "Pipeline":
        """The pipeline of one of several processes that learn together.

        All ranks make the same number of steps, and step s of rank r has the item
        `s * num_ranks + r` of the whole pass; the batches of a last step in which there are fewer
        than ranks are divided by rows. So nothing is lost and nothing comes twice, and a state that
        any rank has saved is good for any number of ranks. Items that are no batches cannot be
        divided: then some ranks have one item less.

        Args:
            rank: from 0.
            num_ranks: how many ranks there are.

        Raises:
            TypeError: not integers.
            ValueError: a rank that is not below their number.
        """
        check_integer(num_ranks, "for_rank: num_ranks", at_least=1)
        check_integer(rank, "for_rank: rank", at_least=0)
        if rank >= num_ranks:
            raise ValueError(f"for_rank: rank: expected below {num_ranks}, found {rank}")
        return self._changed(_ranks=(rank, num_ranks))

    def for_epoch(self, epoch: int) -> "Pipeline":
        """The pipeline whose passes are those of an epoch, in which items are shuffled anew.

        Args:
            epoch: from 0, the one that a pipeline makes otherwise.

        Raises:
            TypeError: not an integer.
            ValueError: below 0.
        """
        check_integer(epoch, "for_epoch: epoch", at_least=0)
        return self._changed(_epoch=int(epoch))

    def starting_at(self, state: dict[str, Any]) -> "Pipeline":
        """The pipeline whose passes begin where `state` was taken: the rest of that pass.

        For a DataLoader, which makes the passes itself.

        Args:
            state: from `state_dict` of a pass of an equal pipeline; or of a StatefulDataLoader over
                one, which may have had another number of workers.

        Raises:
            CheckpointError: it is neither.
        """
        return self._changed(_start=furthest_state(state))

    def stats(self) -> PipelineStats | None:
        """The numbers of the pass that was begun last; None if none was.

        A pass has the same method. What the workers of a DataLoader do is not counted here.
        """
        return None if self._latest is None else self._latest.stats()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_latest": None}

    def _changed(self, **attributes: Any) -> "Pipeline":
        changed = copy.copy(self)  # whose latest pass is none, as `__getstate__` says
        vars(changed).update(attributes)
        return changed

    def __iter__(self) -> "PipelinePass":
        share = share_of(self, self._ranks)
        with shared_by(share):
            clocks = [timed(iter(self._source))]
        own = _begin_of_own(self._stages)
        for stage in self._stages[:own]:
            clocks.append(timed(stage.iterate(clocks[-1])))
        shared = ShareIterator(
            clocks[-1],
            share,
            of_batches=_has_any(self._stages[:own], "makes_batches"),
            by_rows=_has_any(self._stages[:own], "rows_go_on"),
        )
        iterator: StageIterator = shared
        for stage in self._stages[own:]:
            iterator = timed(stage.iterate(iterator))
            clocks.append(iterator)
        # The source by its kind alone: the data may have moved.
        kinds = [type(self._source.items).__name__, *map(describe, self._stages)]
        self._latest = Tally(kinds, clocks)
        passing = PipelinePass(iterator, kinds, self._latest)
        weakref.finalize(passing, self._latest.end).atexit = False
        if self._epoch:
            passing.begin_epoch(self._epoch)
        if self._start is not None:
            shared.begin_turns()
            passing.load_state_dict(self._start)
        return passing


def _begin_of_own(stages: Sequence[Stage]) -> int:
    """Where the stages begin that a rank or worker puts only its own share through."""
    own = len(stages)
    while own and getattr(stages[own - 1], "one_to_one", False):
        own -= 1
    return own


def _has_any(stages: Sequence[Stage], attribute: str) -> bool:
    return any(getattr(stage, attribute, False) for stage in stages)


class PipelinePass(StageIterator):
    """A pass over the items of a pipeline, made by `iter(pipeline)`."""

    def __init__(self, iterator: StageIterator, stages: list[str], tally: Tally) -> None:
        self._iterator = iterator
        self._stages = stages
        self._tally = tally
        self._epoch = 0
        self._is_within_item = False

    def __next__(self) -> Any:
        if self._is_within_item:
            # Something was raised on the way to an item, and stages may have moved unequally far.
            self._iterator.load_state_dict(self._iterator.state_dict())
        self._is_within_item = True
        self._tally.waiting_begins()
        item = next(self._iterator, END)
        self._is_within_item = False
        self._tally.waiting_ends(item)
        if item is END:
            raise StopIteration
        return item

    def stats(self) -> PipelineStats:
        """What this pass has done so far, since it was begun or loaded a state."""
        return self._tally.stats()

    def state_dict(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "stages": list(self._stages),
            "epoch": self._epoch,
            "position": self._iterator.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._check(state)
        self.begin_epoch(state["epoch"])
        self._is_within_item = True
        self._iterator.load_state_dict(state["position"])
        self._is_within_item = False

    def begin_epoch(self, epoch: int) -> None:
        self._is_within_item = True
        self._iterator.begin_epoch(epoch)
        self._epoch = epoch
        self._is_within_item = False

    def _check(self, state: Any) -> None:
        if not isinstance(state, Mapping) or "version" not in state:
            raise CheckpointError(
                f"expected the state of a pipeline, found {type(state).__name__} without a version"
            )
        if state["version"] != _VERSION:
            raise CheckpointError(
                f"expected the state of a pipeline, version {_VERSION}, "
                f"found version {state['version']}"
            )
        if missing := {"stages", "epoch", "position"} - state.keys():
            raise CheckpointError(f"the state of a pipeline lacks its {min(missing)}")
        saved = state["stages"]
        for i in range(max(len(saved), len(self._stages))):
            before = saved[i] if i < len(saved) else "nothing"
            now = self._stages[i] if i < len(self._stages) else "nothing"
            if before != now:
                raise CheckpointError(
                    f"the state is that of another pipeline: in place {i} it had {before}, "
                    f"this one has {now}"
                )
