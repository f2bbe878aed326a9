"""Losses over sequences: masked by their lengths, or by weights, as TensorFlow 1 had them."""

from varlen.losses._by_element import masked_binary_cross_entropy, masked_mean_squared_error
from varlen.losses._crf import LinearChainCRF
from varlen.losses._cross_entropy import masked_cross_entropy
from varlen.losses._ctc import masked_ctc_loss
from varlen.losses._linear_cross_entropy import masked_linear_cross_entropy
from varlen.losses._reductions import loss_total
from varlen.losses._sequence_loss import (
    legacy_sequence_loss,
    sequence_loss,
    sequence_loss_by_example,
)
from varlen.losses._sequence_mask import sequence_mask

__all__ = [
    "LinearChainCRF",
    "legacy_sequence_loss",
    "loss_total",
    "masked_binary_cross_entropy",
    "masked_cross_entropy",
    "masked_ctc_loss",
    "masked_linear_cross_entropy",
    "masked_mean_squared_error",
    "sequence_loss",
    "sequence_loss_by_example",
    "sequence_mask",
]
