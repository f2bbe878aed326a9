"""The cells, by family."""

from varlen.rnn.cells._basic import BasicRNNCell
from varlen.rnn.cells._block import CudnnCompatibleLSTMCell, LSTMBlockCell
from varlen.rnn.cells._block_gru import CudnnCompatibleGRUCell, GRUBlockCell, GRUBlockCellV2
from varlen.rnn.cells._conv import Conv1DLSTMCell, Conv2DLSTMCell, Conv3DLSTMCell, ConvLSTMCell
from varlen.rnn.cells._coupled import CoupledInputForgetGateLSTMCell
from varlen.rnn.cells._glstm import GLSTMCell
from varlen.rnn.cells._grid import BidirectionalGridLSTMCell, GridLSTMCell
from varlen.rnn.cells._gru import GRUCell
from varlen.rnn.cells._independent import IndRNNCell, IndyGRUCell, IndyLSTMCell
from varlen.rnn.cells._intersection import IntersectionRNNCell
from varlen.rnn.cells._janet import JANETCell
from varlen.rnn.cells._layer_norm import LayerNormGRUCell, LayerNormRNNCell
from varlen.rnn.cells._layer_norm_lstm import LayerNormBasicLSTMCell, LayerNormLSTMCell
from varlen.rnn.cells._lstm import BasicLSTMCell, LSTMCell
from varlen.rnn.cells._min import MinGRUCell, MinLSTMCell
from varlen.rnn.cells._minimal import CFNCell, MinimalRNNCell
from varlen.rnn.cells._multiplicative import MultiplicativeLSTMCell
from varlen.rnn.cells._nas import NASCell
from varlen.rnn.cells._ntm import NTMCell, NTMControllerState
from varlen.rnn.cells._phased import PhasedLSTMCell
from varlen.rnn.cells._slstm import SLSTMCell, SLSTMStateTuple
from varlen.rnn.cells._sru import SRUCell
from varlen.rnn.cells._time_freq import TimeFreqLSTMCell
from varlen.rnn.cells._ugrnn import UGRNNCell
from varlen.rnn.cells._weight_norm import WeightNormLSTMCell

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "BidirectionalGridLSTMCell",
    "CFNCell",
    "Conv1DLSTMCell",
    "Conv2DLSTMCell",
    "Conv3DLSTMCell",
    "ConvLSTMCell",
    "CoupledInputForgetGateLSTMCell",
    "CudnnCompatibleGRUCell",
    "CudnnCompatibleLSTMCell",
    "GLSTMCell",
    "GRUBlockCell",
    "GRUBlockCellV2",
    "GRUCell",
    "GridLSTMCell",
    "IndRNNCell",
    "IndyGRUCell",
    "IndyLSTMCell",
    "IntersectionRNNCell",
    "JANETCell",
    "LSTMBlockCell",
    "LSTMCell",
    "LayerNormBasicLSTMCell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormRNNCell",
    "MinGRUCell",
    "MinLSTMCell",
    "MinimalRNNCell",
    "MultiplicativeLSTMCell",
    "NASCell",
    "NTMCell",
    "NTMControllerState",
    "PhasedLSTMCell",
    "SLSTMCell",
    "SLSTMStateTuple",
    "SRUCell",
    "TimeFreqLSTMCell",
    "UGRNNCell",
    "WeightNormLSTMCell",
]
