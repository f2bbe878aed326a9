"""Whose share of a pass this process makes: the worker of a DataLoader, the rank of a group."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch.distributed
from torch.utils.data import get_worker_info

from varlen.data._alone import call_alone
from varlen.data._share import Share

T = TypeVar("T")

_is_within_pipeline = ContextVar("_is_within_pipeline", default=False)
_is_shared = ContextVar("_is_shared", default=False)


@contextmanager
def shared_by(share: Share) -> Iterator[None]:
    """What is begun within is the source of a pass of which this is the share."""
    token = _is_shared.set(_is_shared.get() or share.num_workers > 1)
    try:
        yield
    finally:
        _is_shared.reset(token)


def is_shared() -> bool:
    """Whether the pass whose source is begun is shared by workers."""
    return _is_shared.get()


def call_as_source(function: Callable[[], T], *, shared: bool) -> T:
    """What `function` returns, a call of a source, whose pipeline does the sharing.

    Pipelines that are begun in it make whole passes. If workers share the pass (`shared`),
    `get_worker_info` says in it that there is no other worker.
    """
    tokens = _is_within_pipeline.set(True), _is_shared.set(shared)
    try:
        return call_alone(function) if shared else function()
    finally:
        _is_within_pipeline.reset(tokens[0])
        _is_shared.reset(tokens[1])


def share_of(dataset: Any, ranks: tuple[int, int] | None) -> Share:
    """The share of this process in the passes of `dataset`.

    Args:
        dataset: what a DataLoader's workers share if it was given this very object.
        ranks: the rank and their number; None if nobody has said.

    Warns:
        UserWarning: the same items would come several times: from each worker of a DataLoader of
            another dataset that makes this one's passes, or in each rank of a process group.
    """
    if _is_within_pipeline.get():
        return Share(*(ranks or (0, 1)))
    if ranks is None:
        _warn_of_ranks()
    return Share(*(ranks or (0, 1)), *_worker_of(dataset))


def _worker_of(dataset: Any) -> tuple[int, int]:
    info = get_worker_info()
    if info is None:
        return 0, 1
    if info.dataset is dataset:
        return info.id, info.num_workers
    if info.num_workers > 1 and info.id == 0:
        warnings.warn(
            f"each of the {info.num_workers} workers of a DataLoader makes the whole pass of a "
            f"Pipeline within a {type(info.dataset).__name__}, so that every item comes "
            f"{info.num_workers} times\n"
            "  give the DataLoader the Pipeline itself, with batch_size=None: its workers share",
            stacklevel=4,
        )
    return 0, 1


def _warn_of_ranks() -> None:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return
    rank, num_ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    if num_ranks > 1 and rank == 0:
        warnings.warn(
            f"each of the {num_ranks} ranks makes the whole pass of the Pipeline, so that every "
            f"item comes {num_ranks} times\n"
            "  use pipeline.for_rank(rank, num_ranks) for the share of a rank, or for_rank(0, 1) "
            "if each is to have all",
            stacklevel=4,
        )
