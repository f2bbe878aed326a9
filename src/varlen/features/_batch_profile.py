"""What the features of a batch of messages are like: by the native core, and by its twin."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen import _native

from . import _profile_twin
from ._profile_twin import FeatureCounts


class BatchProfile(NamedTuple):
    """What is found in a batch of messages.

    Attributes:
        malformed: the numbers of the messages that are no SequenceExample and no Example.
        features: what all others have: first the context, then the lists, each sorted by name.
    """

    malformed: npt.NDArray[np.int64]
    features: list[FeatureCounts]


def profile_batch(serialized: Sequence[Any]) -> BatchProfile:
    """Looks at all values of some messages.

    The native core does it if it is there. Protobuf has the last word on what the core refuses: if
    it accepts any of that, the twin reads the batch.
    """
    if _native.profile_features is not None:
        refused, described = _native.profile_features(list(serialized))
        if not any(_profile_twin.is_message(serialized[number]) for number in refused):
            return BatchProfile(refused, [_as_counts(*parts) for parts in described])
    return BatchProfile(*_profile_twin.profile_batch(serialized))


def _as_counts(is_list: bool, name: bytes, *parts: Any) -> FeatureCounts:
    return FeatureCounts(is_list, name.decode(), *parts)
