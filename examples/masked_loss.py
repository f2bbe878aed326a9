"""The loss of real steps only: per example first, then over the batch. Class 0 is a class."""

import numpy as np
import torch

from varlen import GRUCell, dynamic_rnn, masked_cross_entropy

B, T, RNN_DIM, NUM_CLASSES = 4, 8, 128, 10
lengths = [1, 2, 3, 8]

torch.manual_seed(0)
X = torch.randn(B, T, 16)
cell = GRUCell(16, RNN_DIM)
head = torch.nn.Linear(RNN_DIM, NUM_CLASSES)


def by_hand(logits: torch.Tensor, targets: torch.Tensor) -> list[float]:
    """The mean loss of each example, step by step in NumPy."""
    means = []
    for row, row_targets, length in zip(logits.detach().numpy(), targets, lengths, strict=True):
        losses = [np.log(np.exp(row[t]).sum()) - row[t, row_targets[t]] for t in range(length)]
        means.append(np.mean(losses))
    return means


outputs, _ = dynamic_rnn(cell, X, sequence_length=lengths)
logits = head(outputs)

for lowest_class in (1, 0):
    targets = torch.randint(lowest_class, NUM_CLASSES, (B, T))
    targets[:, 0] = lowest_class  # so that class 0 does occur the second time
    for row, length in enumerate(lengths):
        targets[row, length:] = 0  # padding

    loss = masked_cross_entropy(logits, targets, lengths)  # the mean of the examples' means
    expected = by_hand(logits, targets)
    print(f"Classes {lowest_class} to {NUM_CLASSES - 1}:")
    print("  mean loss by example:", " ".join(f"{mean:.4f}" for mean in expected))
    print(f"  mean loss: {loss.item():.4f}")
    assert abs(loss.item() - np.mean(expected)) < 1e-6

    # The padding has no say, whatever it holds.
    garbage = targets.clone()
    garbage[0, 1:] = 999
    assert masked_cross_entropy(logits, garbage, lengths) == loss
