"""What a step takes: a layer, forward and backward, on a few of the batches of a plan."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from varlen.data.plan import PlannedBatches
from varlen.rnn import LSTM

INPUT_SIZE, HIDDEN_SIZE = 64, 256
MODEL = f"varlen.LSTM({INPUT_SIZE}, {HIDDEN_SIZE}), float32"
_NUM_BATCHES = 7
_REPEATS = 3


class ProbedBatch(NamedTuple):
    """What one batch took.

    Attributes:
        num_examples: in it.
        real_steps: without padding.
        padded_steps: with it.
        seconds: the fastest of a few runs, forward and backward.
        num_bytes: what is kept from forward to backward, and the inputs and outputs.
    """

    num_examples: int
    real_steps: int
    padded_steps: int
    seconds: float
    num_bytes: int


class Probe(NamedTuple):
    """What some batches took, from the one with the fewest real steps to that with the most.

    Attributes:
        model: what ran, and where.
        batches: those that were run.
        epoch_seconds: what all batches of the epoch would take.
    """

    model: str
    batches: list[ProbedBatch]
    epoch_seconds: float


def probe_batches(planned: PlannedBatches) -> Probe:
    """Runs a layer on batches from all over the epoch, by their real steps."""
    from tqdm import tqdm

    batches = planned.batches(0)
    lengths = planned.examples.lengths.steps[planned.features[0]]
    real = batches.sums(lengths)
    by_size = np.argsort(real, kind="stable")
    places = np.unique(np.linspace(0, len(batches) - 1, _NUM_BATCHES).round().astype(int))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layer = LSTM(INPUT_SIZE, HIDDEN_SIZE, batch_first=True).to(device)
    _run(layer, lengths[batches[int(by_size[-1])]])  # once to warm up
    probed = [
        _probe(layer, lengths[batches[int(by_size[place])]])
        for place in tqdm(places, desc="probe", unit="batch", disable=None)
    ]
    # Seconds go along a line through the batches that were run, by real steps.
    seconds = np.interp(real, [one.real_steps for one in probed], [one.seconds for one in probed])
    where = torch.cuda.get_device_name() if device == "cuda" else _threads()
    return Probe(f"{MODEL}, on {where}", probed, float(seconds.sum()))


def _probe(layer: LSTM, lengths: Any) -> ProbedBatch:
    seconds = []
    num_bytes = 0
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        num_bytes = _run(layer, lengths)
        seconds.append(time.perf_counter() - begin)
    return ProbedBatch(
        len(lengths),
        int(lengths.sum()),
        int(lengths.max()) * len(lengths),
        min(seconds),
        num_bytes,
    )


def _run(layer: LSTM, lengths: Any) -> int:
    """Forward and backward; how many bytes were kept in between, without the weights."""
    device = layer.weight_ih_l0.device
    inputs = torch.zeros(len(lengths), int(lengths.max()), INPUT_SIZE, device=device)
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs, _ = layer(inputs, lengths=torch.as_tensor(lengths))
    for tensor in (inputs, outputs):
        note(tensor)
    for weight in layer.parameters():
        kept.pop(weight.untyped_storage().data_ptr(), None)
    outputs.sum().backward()
    layer.zero_grad()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return sum(kept.values())


def _threads() -> str:
    num = torch.get_num_threads()
    return f"{num} thread{'s' * (num != 1)} of this machine"


def most_bytes(probed: Sequence[ProbedBatch]) -> int:
    """Of the batch that needs the most."""
    return max(one.num_bytes for one in probed)
