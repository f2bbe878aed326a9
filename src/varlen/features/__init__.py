"""Named features in the bytes of a record: messages, writing, parsing, schemas. No torch."""

from ._batch_profile import BatchProfile
from ._combined_specs import RaggedFeature, SparseFeature
from ._feature_schema import Extent, FeatureSchema
from ._kinds import float32, int64, string
from ._messages import (
    BytesList,
    Example,
    Feature,
    FeatureList,
    FeatureLists,
    Features,
    FloatList,
    Int64List,
    NamedFeatures,
    SequenceExample,
    read_features,
)
from ._parse import (
    decode_sequence_examples,
    parse_each_sequence_example,
    parse_sequence_example,
    parse_single_sequence_example,
)
from ._parse_example import parse_example, parse_single_example
from ._profile import FeatureProfile, Profile
from ._profile_twin import FeatureCounts
from ._schema import Schema
from ._schema_check import Misfit
from ._specs import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature
from ._write import example, examples, sequence_example, sequence_examples

__all__ = [
    "BatchProfile",
    "BytesList",
    "Example",
    "Extent",
    "Feature",
    "FeatureCounts",
    "FeatureList",
    "FeatureLists",
    "FeatureProfile",
    "FeatureSchema",
    "Features",
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "FloatList",
    "Int64List",
    "Misfit",
    "NamedFeatures",
    "Profile",
    "RaggedFeature",
    "Schema",
    "SequenceExample",
    "SparseFeature",
    "VarLenFeature",
    "decode_sequence_examples",
    "example",
    "examples",
    "float32",
    "int64",
    "parse_each_sequence_example",
    "parse_example",
    "parse_sequence_example",
    "parse_single_example",
    "parse_single_sequence_example",
    "read_features",
    "sequence_example",
    "sequence_examples",
    "string",
]
