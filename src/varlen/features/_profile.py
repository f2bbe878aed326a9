"""What the features of many records are like, batch by batch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError

from ._batch_profile import BatchProfile, profile_batch
from ._feature_schema import Extent
from ._kinds import FIELD_NUMBERS
from ._profile_twin import FeatureCounts

# Records whose names hold data would otherwise fill the memory.
_MOST_FEATURES = 100_000


class FeatureProfile:
    """What one feature is like in the records so far.

    Attributes:
        first: for each kind that it has, where the first record is that has it.
        num_records: how many records have it. A context feature without a kind counts as missing.
        num_values: how many values it has, or for a list, a step has; None if there is none.
        values: by kind, how small and large the numbers are, or how many bytes strings have.
        num_nans: how many of its values are NaN.
    """

    def __init__(self) -> None:
        self.first: dict[np.dtype[Any], str] = {}
        self.num_records = 0
        self.num_values: Extent | None = None
        self.values: dict[np.dtype[Any], Extent] = {}
        self.num_nans = 0
        self._lengths: list[npt.NDArray[Any]] = []

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Of each record that has it, in order: how many values, or for a list how many steps."""
        return np.concatenate([np.empty(0, np.int64), *self._lengths])

    def add(self, counts: FeatureCounts, place: Callable[[int], str]) -> None:
        """Adds what it is like in the next batch."""
        for kind, number in FIELD_NUMBERS.items():
            if counts.num_of_kind[number] and kind not in self.first:
                self.first[kind] = place(counts.first[number])
            found = (None, counts.bytes, counts.floats, counts.int64s)[number]
            if found is not None:
                self.values[kind] = Extent(*found).join(self.values.get(kind))
        if counts.sizes is not None:
            self.num_values = Extent(*counts.sizes).join(self.num_values)
        self.num_records += len(counts.lengths)
        self.num_nans += counts.num_nans
        if len(counts.lengths):
            self._lengths.append(_compact(counts.lengths))


class Profile:
    """What the features of the records so far are like.

    Every value is looked at, at the speed of the native core, and no Python object is made per
    value. Memory grows by a byte or so for each record and feature whose length is not always the
    same.

    Attributes:
        num_records: how many SequenceExamples and Examples there were.
        num_malformed: how many records were neither.
        context: by name, the features of the context, or of Examples.
        feature_lists: by name, the feature lists.
    """

    def __init__(self) -> None:
        self.num_records = 0
        self.num_malformed = 0
        self.context: dict[str, FeatureProfile] = {}
        self.feature_lists: dict[str, FeatureProfile] = {}

    def add(
        self, serialized: Sequence[bytes | bytearray | memoryview], place: Callable[[int], str]
    ) -> BatchProfile:
        """Adds some records.

        Args:
            serialized: the records, as many at a time as is convenient.
            place: where one of them came from, by its number: "train.tfrecord @ byte 40960".

        Returns:
            What was found in these records, malformed ones included.

        Raises:
            FeatureError: there are more than 100,000 names of features.
        """
        found = profile_batch(serialized)
        self.num_malformed += len(found.malformed)
        self.num_records += len(serialized) - len(found.malformed)
        for counts in found.features:
            section = self.feature_lists if counts.is_list else self.context
            feature = section.get(counts.name)
            if feature is None:
                feature = section[counts.name] = FeatureProfile()
            feature.add(counts, place)
        if len(self.context) + len(self.feature_lists) > _MOST_FEATURES:
            raise FeatureError(
                f"expected at most {_MOST_FEATURES:,} features, found more",
                at=place(0),
                hint="the names of features seem to hold data",
            )
        return found


def _compact(lengths: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The same in a smaller type, or if all are equal, as one number that is repeated."""
    small = lengths.astype(np.min_scalar_type(lengths.max()))
    if (small == small[0]).all():
        return np.broadcast_to(small[0].copy(), small.shape)
    return small
