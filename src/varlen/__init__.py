"""Recurrent networks on sequences of unequal length, from record files to a trained model.

Names load their area on first use, so that reading records does not import torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_AREAS: dict[str, tuple[str, ...]] = {
    "cells": (),
    "data": (
        "Batch",
        "BucketBySequenceLength",
        "Map",
        "Pad",
        "Parse",
        "Pipeline",
        "Prefetch",
        "Records",
        "Shuffle",
        "batch",
    ),
    "errors": (
        "CancelledError",
        "CheckpointError",
        "ConfigError",
        "CorruptRecordError",
        "FeatureError",
        "OutOfRangeError",
        "VarlenError",
    ),
    "features": (
        "Example",
        "Feature",
        "FeatureList",
        "FeatureLists",
        "Features",
        "FixedLenFeature",
        "FixedLenSequenceFeature",
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
        "sequence_example",
        "sequence_examples",
        "string",
    ),
    "formats": (),
    "losses": (
        "LinearChainCRF",
        "loss_total",
        "masked_binary_cross_entropy",
        "masked_cross_entropy",
        "masked_ctc_loss",
        "masked_linear_cross_entropy",
        "masked_mean_squared_error",
        "sequence_loss",
        "sequence_loss_by_example",
        "sequence_mask",
    ),
    "metrics": ("accuracy", "class_f1", "edit_distance", "perplexity", "span_f1"),
    "records": (
        "IndexedReader",
        "LostBytes",
        "Record",
        "RecordBlock",
        "RecordIndex",
        "RecordReader",
        "RecordWriter",
        "ShardedWriter",
        "expand_paths",
        "open_records",
    ),
    "rnn": (
        "CFNCell",
        "CudnnCompatibleGRUCell",
        "CudnnCompatibleLSTMCell",
        "GRUBlockCell",
        "GRUBlockCellV2",
        "IndRNNCell",
        "IndyGRUCell",
        "IndyLSTMCell",
        "IntersectionRNNCell",
        "LSTMBlockCell",
        "LayerNormBasicLSTMCell",
        "LayerNormLSTMCell",
        "MinimalRNNCell",
        "PhasedLSTMCell",
        "SRUCell",
        "WeightNormLSTMCell",
        "LSTMBlockFusedCell",
        "JANETCell",
        "LayerNormGRUCell",
        "LayerNormRNNCell",
        "MinGRUCell",
        "MinLSTMCell",
        "MultiplicativeLSTMCell",
        "SLSTMCell",
        "SLSTMStateTuple",
        "RecurrentDropoutWrapper",
        "WeightDrop",
        "WeightDropWrapper",
        "ZoneoutWrapper",
        "GRU",
        "LSTM",
        "RNN",
        "BasicLSTMCell",
        "BasicRNNCell",
        "CoupledInputForgetGateLSTMCell",
        "DropoutWrapper",
        "GRUCell",
        "LSTMCell",
        "LSTMStateTuple",
        "MultiRNNCell",
        "NASCell",
        "Products",
        "RNNCell",
        "RecurrentCell",
        "UGRNNCell",
        "bidirectional_dynamic_rnn",
        "detach_state",
        "dynamic_rnn",
        "raw_rnn",
        "reverse_sequence",
        "stack_bidirectional_dynamic_rnn",
        "stack_bidirectional_rnn",
        "static_bidirectional_rnn",
        "static_rnn",
        "static_state_saving_rnn",
        "transpose_batch_time",
    ),
    "sequences": ("JaggedSequence", "PaddedSequence", "RaggedValues", "SparseValues"),
    "testing": (),
    "tf1": (),
    "train": (),
}
_AREA_OF = {name: area for area, names in _AREAS.items() for name in names}
_MODULES = frozenset(_AREAS)

__all__ = sorted(_AREA_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"varlen.{name}")
    if name in _AREA_OF:
        return getattr(import_module(f"varlen.{_AREA_OF[name]}"), name)
    raise AttributeError(f"module 'varlen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
