"""Whose share of a pass this process makes: the worker of a DataLoader, the rank of a group."""

import warnings
from typing import Any

import torch.distributed
from torch.utils.data import get_worker_info


def worker_of(dataset: Any) -> tuple[int, int]:
    """The number of the DataLoader's worker that this process is, and how many there are.

    Only of a DataLoader of this very dataset: one that is made within another dataset cannot know
    how that one divides its work.

    Warns:
        UserWarning: it is made within another dataset, in each of several workers.
    """
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


def warn_of_ranks() -> None:
    """Warns if there are several ranks, and a pass is not that of one of them.

    Warns:
        UserWarning: every rank reads the same.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return
    rank, num_ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    if num_ranks > 1 and rank == 0:
        warnings.warn(
            f"each of the {num_ranks} ranks makes the whole pass of the Pipeline, so that every "
            f"item is learned from {num_ranks} times\n"
            "  use pipeline.for_rank(rank, num_ranks) for the share of a rank, and "
            "for_rank(0, 1) if every rank is to have all",
            stacklevel=4,
        )
