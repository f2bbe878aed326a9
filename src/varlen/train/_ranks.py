"""The processes that learn together, each from its share of the batches; mostly there is one."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from varlen.errors import ConfigError, VarlenError

T = TypeVar("T")

# The first rank may have much data to look through before the others go on. One that has ended is
# noticed at once.
_PATIENCE = timedelta(hours=24)


class OtherRankError(VarlenError):
    """Another of the processes that learn together has ended; it has said why."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that learn together.

    What is said of all ranks, each of them has to call in the same order.

    Attributes:
        rank: from 0. The first one writes files and talks to people.
        num_ranks: how many there are.
    """

    rank: int = 0
    num_ranks: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files."""
        return self.rank == 0

    def gather(self, mine: T) -> list[T]:
        """What all ranks give, in their order, on all of them.

        Raises:
            OtherRankError: one of them is gone.
        """
        if self.num_ranks == 1:
            return [mine]
        found: list[T | None] = [None] * self.num_ranks
        with _others_may_be_gone():
            dist.all_gather_object(found, mine)
        return cast(list[T], found)

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Makes the gradients of all ranks the sum of those of each.

        A rank without a gradient adds nothing; where no rank has one, there is none.
        """
        if self.num_ranks == 1:
            return
        has_gradient = [
            any(found)
            for found in zip(*self.gather([p.grad is not None for p in parameters]), strict=True)
        ]
        for parameter, has in zip(parameters, has_gradient, strict=True):
            if has and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [p.grad for p in parameters if p.grad is not None]
        for same_type in _by_type(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in same_type])
            with _others_may_be_gone():
                dist.all_reduce(flat)
            parts = torch.split(flat, [gradient.numel() for gradient in same_type])
            for gradient, part in zip(same_type, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def add_sparse_gradients(self, parameters: Sequence[Tensor]) -> None:
        """As `add_gradients`, of gradients that are sparse."""
        if self.num_ranks == 1:
            return
        for parameter in parameters:
            own = None if parameter.grad is None else parameter.grad.coalesce()
            mine = None if own is None else (own.indices().cpu(), own.values().cpu())
            parts = [part for part in self.gather(mine) if part is not None]
            if parts:
                parameter.grad = torch.sparse_coo_tensor(
                    torch.cat([indices for indices, _ in parts], dim=1),
                    torch.cat([values for _, values in parts]),
                    parameter.shape,
                    device=parameter.device,
                )

    def gather_rows(self, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors `[rows, ...]` with the rows of all ranks, one after the other."""
        if self.num_ranks == 1:
            return dict(own)
        parts = self.gather({name: rows.cpu() for name, rows in own.items()})
        return {name: torch.cat([part[name] for part in parts]) for name in own}

    def own_rows(self, whole: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The rows of this rank, as a batch that is divided among ranks has them."""
        bounds = {
            name: [len(rows) * rank // self.num_ranks for rank in (self.rank, self.rank + 1)]
            for name, rows in whole.items()
        }
        return {name: rows[slice(*bounds[name])] for name, rows in whole.items()}

    def wait(self) -> None:
        """Until all ranks are here."""
        self.gather(None)

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """The first rank goes through the block, then the others do.

        Raises:
            OtherRankError: the first one has failed in it.
        """
        if not self.is_first and not self.gather(False)[0]:
            raise OtherRankError("the first rank has ended, and says why")
        try:
            yield
        except BaseException:
            if self.is_first:
                with suppress(OtherRankError):  # they may have had the same Ctrl-C
                    self.gather(False)
            raise
        if self.is_first:
            self.gather(True)


ALONE = Ranks()
"""One process."""


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """The processes that `torchrun` has started, this one among them; `ALONE` without it.

    Raises:
        ConfigError: they cannot come together.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    # Its functions have the group of processes that is there when it is loaded as a default.
    # Optimizers load it: after the group has come together, that would keep the group and its
    # threads until the process ends, which they may then abort.
    import torch.distributed.nn

    on_gpu = torch.cuda.is_available()
    try:
        if on_gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        # What is said about batches is said on the CPU, whatever gradients are on.
        backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            f"the processes cannot come together: {error}",
            hint="start them as `torchrun --nproc-per-node=2 -m varlen train ...`",
        ) from error
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def is_first_process() -> bool:
    """Whether this is the first of the processes that `torchrun` has started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def own_device(device: str) -> str:
    """The device of this process where a setting names a kind: `cuda` is one for each process."""
    is_one_of_many = dist.is_available() and dist.is_initialized()
    return f"cuda:{torch.cuda.current_device()}" if device == "cuda" and is_one_of_many else device


def _by_type(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    types = {tensor.dtype: [t for t in tensors if t.dtype == tensor.dtype] for tensor in tensors}
    return list(types.values())


@contextmanager
def _others_may_be_gone() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = re.sub(r"^\[\S*\] ", "", str(error).splitlines()[0])  # a place in gloo's source
        raise OtherRankError(f"another rank is gone: {reason}") from error
