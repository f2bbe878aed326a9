"""Dropout that costs less than the layers around it."""

import torch
import torch.nn.functional as F
from torch import Tensor

_BITS = 16
_LEVELS = 2**_BITS


def dropout(values: Tensor, rate: float) -> Tensor:
    """Sets elements to 0 and makes the others larger, so that means stay (Srivastava et al. 2014).

    On a CPU, torch draws a number for each element, which takes longer than a layer's products of
    them. Here 16 bits decide, four elements by one number of 64 bits, and `rate` is met within
    1 / 131072.

    Args:
        values: of any shape, float.
        rate: the share of elements to drop, in [0, 1).
    """
    if values.device.type != "cpu":
        return F.dropout(values, rate)
    dropped = round(rate * _LEVELS)
    words = torch.empty(-(-values.numel() * _BITS // 64), dtype=torch.int64)
    words.random_(-(2**63), None)
    numbers = words.view(torch.int16)[: values.numel()].view(values.shape)  # from -32768
    mask = torch.empty_like(values)
    torch.ge(numbers, dropped - _LEVELS // 2, out=mask)
    mask *= _LEVELS / (_LEVELS - dropped)
    return values.mul(mask)
