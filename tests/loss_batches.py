"""Random batches for losses, and their cross-entropy in plain NumPy."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

FILLS = [0.0, 1e30, math.inf, math.nan]
batches_of_lengths = st.lists(st.integers(0, 5), min_size=1, max_size=5)


def random_batch(lengths, *, extra=0, fill=0.0, num_classes=4, dtype=torch.float64, bad_class=-1):
    """Logits and targets that are random where real, and `fill` and `bad_class` elsewhere."""
    generator = torch.Generator().manual_seed(sum(lengths) + len(lengths))
    num_steps = max(lengths) + extra
    logits = torch.full((len(lengths), num_steps, num_classes), fill, dtype=dtype)
    targets = torch.full((len(lengths), num_steps), bad_class)
    for row, length in enumerate(lengths):
        drawn = torch.randn(5, num_classes, generator=generator, dtype=torch.float64)
        classes = torch.randint(num_classes, (5,), generator=generator)
        logits[row, :length] = drawn[:length].to(dtype)
        targets[row, :length] = classes[:length]
    return logits.requires_grad_(), targets


def step_loss(scores, target):
    """Softmax cross-entropy of one step, in plain NumPy."""
    shifted = np.asarray(scores) - np.max(scores)
    return np.log(np.exp(shifted).sum()) - shifted[int(target)]


def losses_by_row(logits, targets, lengths):
    logits = logits.detach().numpy()
    return [
        [step_loss(logits[row, t], targets[row, t]) for t in range(length)]
        for row, length in enumerate(lengths)
    ]
