"""The features that records have, or are to have: inferred, saved, used to parse and to check."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from varlen.errors import FeatureError

from . import _schema_json
from ._batch_profile import BatchProfile
from ._checks import place_of
from ._feature_schema import Extent, Features, FeatureSchema, joined, specs
from ._kinds import KINDS, float32, kind_name
from ._profile import FeatureProfile, Profile
from ._schema_check import Misfit, find_misfits
from ._serialized import check_many
from ._specs import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature

_Serialized = bytes | bytearray | memoryview
_BATCH_SIZE = 1000


@dataclass(frozen=True)
class Schema:
    """What the features of SequenceExamples or Examples are like, by name.

    An Example is on the wire a SequenceExample without feature lists, so its features are those of
    the context here.

    Attributes:
        context: the features of the context, or of Examples.
        feature_lists: the feature lists.
        num_records: how many records it was inferred from.
    """

    context: Features = field(default_factory=dict)
    feature_lists: Features = field(default_factory=dict)
    num_records: int = 0

    @classmethod
    def infer(
        cls, serialized: Iterable[_Serialized], example_names: Sequence[str] | None = None
    ) -> "Schema":
        """The schema that all of some records fit, and nothing less does.

        Args:
            serialized: the records, which may come from an iterator: they are not kept.
            example_names: where each came from, for error messages.

        Raises:
            TypeError: `serialized` is one record, or text.
            FeatureError: a record is neither a SequenceExample nor an Example, a feature has values
                of several kinds, or there are more than 100,000 names of features.
        """
        check_many(serialized)
        profile = Profile()
        records = iter(serialized)
        begin = 0
        while batch := list(islice(records, _BATCH_SIZE)):
            place = _place_from(example_names, begin)
            found = profile.add(batch, place)
            if len(found.malformed):
                raise FeatureError(
                    "the record is no SequenceExample and no Example",
                    at=place(int(found.malformed[0])),
                )
            begin += len(batch)
        return cls.from_profile(profile)

    @classmethod
    def from_profile(cls, profile: Profile) -> "Schema":
        """The schema that all records of a profile fit, those aside that are malformed.

        Raises:
            FeatureError: a feature has values of several kinds.
        """
        context, feature_lists = (
            {
                name: _schema_of(feature, f"{section}.{name}", profile.num_records)
                for name, feature in getattr(profile, section).items()
            }
            for section in ("context", "feature_lists")
        )
        return cls(context, feature_lists, profile.num_records)

    @property
    def context_features(self) -> dict[str, FixedLenFeature | VarLenFeature]:
        """The specifications of the context, for `parse_sequence_example` and its kin.

        A feature that every record has with the same number of values is a `FixedLenFeature`, all
        others are `VarLenFeature`. One of which no kind is known is left out.
        """
        return specs(self.context, FeatureSchema.context_spec)

    @property
    def sequence_features(self) -> dict[str, FixedLenSequenceFeature | VarLenFeature]:
        """The specifications of the feature lists, for `parse_sequence_example` and its kin.

        A list whose steps all have the same number of values is a `FixedLenSequenceFeature`, all
        others are `VarLenFeature`. One of which no kind is known is left out.
        """
        return specs(self.feature_lists, FeatureSchema.sequence_spec)

    @property
    def features(self) -> dict[str, FixedLenFeature | VarLenFeature]:
        """The specifications of Examples, for `parse_example` and `parse_single_example`.

        Raises:
            FeatureError: there are feature lists, which Examples do not have.
        """
        if self.feature_lists:
            names = ", ".join(map(repr, sorted(self.feature_lists)))
            raise FeatureError(
                f"expected Examples, found feature lists: {names}",
                hint="use context_features and sequence_features, which SequenceExamples have",
            )
        return self.context_features

    def misfits(
        self, serialized: Sequence[_Serialized], profile: BatchProfile | None = None
    ) -> Iterator[Misfit]:
        """Where some records do not fit, in their order; of each feature of a record, the first.

        A feature that the schema does not know does not fit. A schema says with None what may be
        anything.

        Args:
            serialized: the records.
            profile: what `Profile.add` found in them, if that has been done.
        """
        sections = {"context": self.context, "feature_lists": self.feature_lists}
        return find_misfits(sections, serialized, profile)

    def check(
        self, serialized: Sequence[_Serialized], example_names: Sequence[str] | None = None
    ) -> None:
        """Checks that records fit.

        Args:
            serialized: the records.
            example_names: where each came from, for error messages.

        Raises:
            TypeError: `serialized` is one record, or text.
            FeatureError: one does not; the message says which, and the feature, the step, and what
                was expected and found.
        """
        check_many(serialized)
        place = place_of(example_names, len(serialized))
        for misfit in self.misfits(serialized):
            at = place(misfit.message) or ""
            raise FeatureError(misfit.problem, at=f"{at}: {misfit.path}" if misfit.path else at)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it as JSON that people read and edit; one that is there is replaced.

        Raises:
            OSError: it cannot be written.
        """
        beside = Path(f"{os.fspath(path)}.partial-{os.getpid()}")
        try:
            beside.write_text(self.to_json(), encoding="utf-8")
            beside.replace(path)
        except OSError as error:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Schema":
        """The schema that a file has.

        Raises:
            OSError: it cannot be read.
            ConfigError: it is no schema, or of another version, or damaged.
        """
        return cls.from_json(Path(path).read_bytes(), at=os.fspath(path))

    def to_json(self) -> str:
        """The schema as JSON, one line for each feature."""
        return _schema_json.to_json(self.num_records, self.context, self.feature_lists)

    @classmethod
    def from_json(cls, text: str | bytes, *, at: str = "JSON") -> "Schema":
        """The schema that `to_json` gave, as it was or edited.

        Args:
            text: the JSON.
            at: where it came from, for error messages.

        Raises:
            ConfigError: it is no schema, or of another version, or damaged.
        """
        num_records, context, feature_lists = _schema_json.from_json(text, at)
        return cls(context, feature_lists, num_records)


def _schema_of(feature: FeatureProfile, path: str, num_records: int) -> FeatureSchema:
    if len(feature.first) > 1:
        found = " and ".join(
            f"{kind_name(kind)} ({feature.first[kind]})" for kind in KINDS if kind in feature.first
        )
        raise FeatureError(f"expected values of one kind, found {found}", at=path)
    kind = next(iter(feature.first), None)
    is_list = path.startswith("feature_lists.")
    return FeatureSchema(
        kind=kind,
        required=feature.num_records == num_records,
        num_values=feature.num_values,
        num_steps=_extent(feature.lengths) if is_list else None,
        values=joined(feature.values.values()),
        nan=kind != float32 or feature.num_nans > 0,
    )


def _extent(lengths: Any) -> Extent | None:
    return Extent(int(lengths.min()), int(lengths.max())) if len(lengths) else None


def _place_from(example_names: Sequence[str] | None, begin: int) -> Any:
    if example_names is None:
        return lambda number: f"message {begin + number}"
    return lambda number: example_names[begin + number]
