"""Cells along time."""

from varlen.rnn.unroll._axes import reverse_sequence, transpose_batch_time
from varlen.rnn.unroll._bidirectional import bidirectional_dynamic_rnn, static_bidirectional_rnn
from varlen.rnn.unroll._block_fused import LSTMBlockFusedCell
from varlen.rnn.unroll._chunks import detach_state
from varlen.rnn.unroll._dynamic import dynamic_rnn
from varlen.rnn.unroll._fused import FusedRNNCellAdaptor, TimeReversedFusedRNN
from varlen.rnn.unroll._raw import raw_rnn
from varlen.rnn.unroll._stack_bidirectional import (
    stack_bidirectional_dynamic_rnn,
    stack_bidirectional_rnn,
)
from varlen.rnn.unroll._state_saving import static_state_saving_rnn
from varlen.rnn.unroll._static import static_rnn

__all__ = [
    "FusedRNNCellAdaptor",
    "LSTMBlockFusedCell",
    "TimeReversedFusedRNN",
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
]
