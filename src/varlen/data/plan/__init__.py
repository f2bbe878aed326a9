"""Batches planned ahead from the lengths of all examples: the same on every machine and rank."""

from varlen.buckets import best_boundaries
from varlen.data.plan._epoch import EpochBatches
from varlen.data.plan._limits import BatchLimits
from varlen.data.plan._pair_buckets import PairBuckets, best_pair_buckets
from varlen.data.plan._permutation import permutation, permuted
from varlen.data.plan._plan import BatchPlan, PlannedBatches
from varlen.data.plan._sampler import PlannedSampler
from varlen.data.plan._share import divide_rows, share
from varlen.data.plan._summary import BatchesSummary, EpochSummary

__all__ = [
    "BatchLimits",
    "BatchPlan",
    "BatchesSummary",
    "EpochBatches",
    "EpochSummary",
    "PairBuckets",
    "PlannedBatches",
    "PlannedSampler",
    "best_boundaries",
    "best_pair_buckets",
    "divide_rows",
    "permutation",
    "permuted",
    "share",
]
