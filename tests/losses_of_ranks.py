"""What test_reductions learns, in one process or, run as a program, as one of two ranks."""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed import all_reduce, barrier, destroy_process_group, init_process_group
from torch.nn.parallel import DistributedDataParallel

from varlen import loss_total, masked_cross_entropy

WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 0.1], dtype=torch.float64)
OPTIONS: dict[str, dict[str, Any]] = {
    "sequence": {"reduction": "sequence"},
    "token": {"reduction": "token"},
    "sequence, ignoring": {"reduction": "sequence", "ignore_index": 2},
    "token, by class": {"reduction": "token", "class_weights": WEIGHTS},
}


def whole_batch():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([7, 1, 0, 3, 1, 2, 0])
    inputs = torch.randn(7, 7, 3, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(4, (7, 7), generator=generator), lengths


def parts_of(batch, num_parts):
    return list(zip(*(block.tensor_split(num_parts) for block in batch), strict=True))


def total_of(name, batches):
    options = OPTIONS[name]
    needs_targets = len(options) > 1
    return sum(
        loss_total(lengths, targets=targets if needs_targets else None, **options)
        for _, targets, lengths in batches
    )


def new_model():
    torch.manual_seed(1)
    return nn.Linear(3, 4, dtype=torch.float64)


def learn(name, batches, *, total, model=None):
    """The gradients of all batches."""
    model = model or new_model()
    for inputs, targets, lengths in batches:
        loss = masked_cross_entropy(model(inputs), targets, lengths, total=total, **OPTIONS[name])
        loss.backward()
    return [parameter.grad for parameter in model.parameters()]


def gradients_of_parts(name, batches):
    return learn(name, batches, total=total_of(name, batches))


def main():
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    init_process_group("gloo", init_method=f"file://{folder}/ranks", rank=rank, world_size=2)
    batches = parts_of(whole_batch(), 4)[2 * rank : 2 * rank + 2]
    for name in OPTIONS:
        total = torch.tensor(total_of(name, batches), dtype=torch.float64)
        all_reduce(total)
        gradients = learn(
            name, batches, total=total / 2, model=DistributedDataParallel(new_model())
        )
        torch.save(gradients, folder / f"{name}-{rank}.pt")
    barrier()  # nobody leaves while the other still listens
    destroy_process_group()
    # Threads of torch's that are still ending when Python takes itself apart may abort the process.
    os._exit(0)


if __name__ == "__main__":
    main()
