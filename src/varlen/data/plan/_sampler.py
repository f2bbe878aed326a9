"""`PlannedSampler`: a plan as the batch sampler of a DataLoader."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from varlen.data.plan._share import batch_of_rank, check_rank
from varlen.errors import check_integer

if TYPE_CHECKING:
    from varlen.data.plan._plan import PlannedBatches


class PlannedSampler:
    """The batches of one rank, each a list of numbers of examples, as a DataLoader asks for.

    Every rank makes the same number of steps, and together they take every example once, as `share`
    says. `set_epoch` is to be called before each epoch, as that of torch's DistributedSampler;
    otherwise every epoch is like the first.

    The state is where all ranks are together, so that it is good for any number of them. It counts
    what was handed out; a DataLoader with workers asks for batches ahead of those that it gives,
    and torchdata's StatefulDataLoader knows which.

    Args:
        planned: the batches.
        rank: from 0 up to, and without, `num_ranks`.
        num_ranks: how many there are.

    Raises:
        TypeError: not integers.
        ValueError: a rank that there cannot be.
    """

    def __init__(self, planned: "PlannedBatches", rank: int, num_ranks: int) -> None:
        check_rank(rank, num_ranks)
        self.planned = planned
        self.rank = rank
        self.num_ranks = num_ranks
        self._epoch = 0
        self._begin = 0  # where the next pass is to begin
        self._current: _SamplerIterator | None = None

    def set_epoch(self, epoch: int) -> None:
        """Says of which epoch the batches are to be.

        The epoch of a state that was loaded goes on where it was.

        Raises:
            TypeError: not an integer.
            ValueError: below 0.
        """
        check_integer(epoch, "epoch", at_least=0)
        if epoch != self._epoch:
            self._epoch, self._begin, self._current = epoch, 0, None

    def __len__(self) -> int:
        """How many batches the next pass has."""
        return self.planned.num_steps(self._epoch, num_ranks=self.num_ranks, begin=self._begin)

    def __iter__(self) -> "_SamplerIterator":
        self._current = _SamplerIterator(self, self._epoch, self._begin)
        self._begin = 0
        return self._current

    def state_dict(self) -> dict[str, Any]:
        """Where the last pass is: plain data, of a size that does not grow."""
        if self._current is not None:
            return self._current.state_dict()
        return self._state_at(self._epoch, self._begin)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Lets the next pass begin where another was.

        Raises:
            CheckpointError: the state is that of another plan, or of other lengths.
        """
        self._epoch, self._begin = self._place_of(state)
        self._current = None

    def _state_at(self, epoch: int, batches: int) -> dict[str, Any]:
        return {"epoch": epoch, "batches": batches, **self.planned.identity()}

    def _place_of(self, state: Mapping[str, Any]) -> tuple[int, int]:
        self.planned.check_identity(state)
        return state["epoch"], state["batches"]


class _SamplerIterator(Iterator[list[int]]):
    def __init__(self, sampler: PlannedSampler, epoch: int, at: int) -> None:
        self._sampler = sampler
        self._epoch = epoch
        self._at = at  # batches that all ranks have taken

    def __next__(self) -> list[int]:
        sampler = self._sampler
        batches = sampler.planned.batches(self._epoch)
        if self._at >= len(batches):
            raise StopIteration
        batch: list[int] = batch_of_rank(
            batches, self._at, sampler.rank, sampler.num_ranks
        ).tolist()
        self._at = min(self._at + sampler.num_ranks, len(batches))
        return batch

    def state_dict(self) -> dict[str, Any]:
        return self._sampler._state_at(self._epoch, self._at)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._epoch, self._at = self._sampler._place_of(state)
        self._sampler._epoch = self._epoch
