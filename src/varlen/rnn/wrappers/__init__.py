"""Cells around cells."""

from varlen.rnn.wrappers._around import AroundSteps
from varlen.rnn.wrappers._attention import AttentionCellWrapper
from varlen.rnn.wrappers._device import DeviceWrapper
from varlen.rnn.wrappers._dropout import DropoutWrapper
from varlen.rnn.wrappers._multi import MultiRNNCell
from varlen.rnn.wrappers._projections import (
    EmbeddingWrapper,
    InputProjectionWrapper,
    OutputProjectionWrapper,
)
from varlen.rnn.wrappers._recurrent_dropout import RecurrentDropoutWrapper
from varlen.rnn.wrappers._residual import HighwayWrapper, ResidualWrapper
from varlen.rnn.wrappers._weight_drop import WeightDrop, WeightDropWrapper
from varlen.rnn.wrappers._zoneout import ZoneoutWrapper

__all__ = [
    "AroundSteps",
    "AttentionCellWrapper",
    "DeviceWrapper",
    "DropoutWrapper",
    "EmbeddingWrapper",
    "HighwayWrapper",
    "InputProjectionWrapper",
    "MultiRNNCell",
    "OutputProjectionWrapper",
    "RecurrentDropoutWrapper",
    "ResidualWrapper",
    "WeightDrop",
    "WeightDropWrapper",
    "ZoneoutWrapper",
]
