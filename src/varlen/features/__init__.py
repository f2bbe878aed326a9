"""Named features in the bytes of a record: messages, writing, specifications, parsing. No torch."""

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
    SequenceExample,
)
from ._parse import parse_single_sequence_example
from ._specs import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature
from ._write import sequence_example

__all__ = [
    "BytesList",
    "Example",
    "Feature",
    "FeatureList",
    "FeatureLists",
    "Features",
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "FloatList",
    "Int64List",
    "SequenceExample",
    "VarLenFeature",
    "float32",
    "int64",
    "parse_single_sequence_example",
    "sequence_example",
    "string",
]
