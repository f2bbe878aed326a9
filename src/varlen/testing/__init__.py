"""The laws of this library, for its own cells, losses, metrics and stages and for yours."""

from varlen.testing._cells import (
    check_cell,
    check_gradients,
    check_halves_make_a_whole,
    check_order_is_free,
    check_padding_is_invisible,
    check_rows_are_alone,
)
from varlen.testing._losses import check_loss
from varlen.testing._metrics import check_metric
from varlen.testing._stages import check_stage

__all__ = [
    "check_cell",
    "check_gradients",
    "check_halves_make_a_whole",
    "check_loss",
    "check_metric",
    "check_order_is_free",
    "check_padding_is_invisible",
    "check_rows_are_alone",
    "check_stage",
]
