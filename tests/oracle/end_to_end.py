"""From record files through producers, parsing and `batch` to steps of gradient descent."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from varlen import tf1
from varlen.data import batch, string_input_producer
from varlen.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    float32,
    int64,
    parse_single_sequence_example,
)
from varlen.losses import masked_cross_entropy, sequence_loss, sequence_mask
from varlen.records import RecordReader
from varlen.rnn import bidirectional_dynamic_rnn, dynamic_rnn

from .case import Case, assert_equal
from .cells import build

SCOPES = {
    "rnn": ("rnn",),
    "bidirectional": ("bidirectional_rnn/fw", "bidirectional_rnn/bw"),
}
BY_EXAMPLE = "mean over examples of (sum over time / (length + 1e-12))"


def covers(case: Case) -> None:
    assert case.entry["loss"] in ("sequence_loss defaults", BY_EXAMPLE)


def run(case: Case) -> None:
    model = _Model(case)
    for step, columns in enumerate(_batches(case)):
        prefix = f"step/{step:03}"
        for name, block in zip(("ids", "lengths", "x", "y"), columns, strict=True):
            assert_equal(block, case.arrays[f"{prefix}/{name}"], name)
        x, y, lengths = (torch.from_numpy(columns[i]) for i in (2, 3, 1))
        logits = model(x.double(), lengths)
        assert_equal(logits.detach(), case.arrays[f"{prefix}/logits"], f"{prefix}/logits")
        loss = _loss(case, logits, y, lengths)
        assert_equal(loss.detach(), case.arrays["loss"][step], f"loss {step}")
        # TensorFlow's optimiser holds its rate as a float32, whatever the variables are.
        rate = float(np.float32(case.entry["learning_rate"]))
        norm = model.descend(loss, rate, case.entry["clip_norm"])
        assert_equal(norm, case.arrays["grad_norm"][step], f"norm of the gradient {step}")
    assert step + 1 == case.entry["steps"]
    for name, value in model.variables().items():
        assert_equal(value, case.arrays[f"var_after/{name}"], name)


def _batches(case: Case) -> Iterator[list[np.ndarray]]:
    """Batches of number, length, inputs and labels, over all epochs without a break."""
    path = str(case.path(case.entry["tfrecord"]))
    paths = string_input_producer([path], num_epochs=case.entry["num_epochs"], shuffle=False)
    records = (record for name in paths for record in RecordReader(name).records())
    return batch(
        (_parse(record.data) for record in records),
        case.entry["batch_size"],
        dynamic_pad=True,
        allow_smaller_final_batch=True,
    )


def _parse(serialized: bytes) -> tuple[Any, ...]:
    context, sequences = parse_single_sequence_example(
        serialized,
        {"id": FixedLenFeature((), int64)},
        {"x": FixedLenSequenceFeature((3,), float32), "y": FixedLenSequenceFeature((), int64)},
    )
    return context["id"], np.int32(len(sequences["x"])), sequences["x"], sequences["y"]


class _Model:
    """One or two unrolls, and a projection to classes."""

    def __init__(self, case: Case) -> None:
        specs = [case.entry[key] for key in ("cell_fw", "cell_bw") if case.entry[key]]
        self.cells = [build(spec, 3, torch.float64, {}) for spec in specs]
        self.scopes = SCOPES["bidirectional" if len(specs) == 2 else "rnn"]
        stored = {k.removeprefix("var/"): v for k, v in case.arrays.items() if k.startswith("var/")}
        for cell, scope in zip(self.cells, self.scopes, strict=True):
            tf1.load_variables(cell, stored, scope)
        self.projection = {
            name: torch.from_numpy(stored[name]).requires_grad_()
            for name in ("softmax_w", "softmax_b")
        }

    def __call__(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        if len(self.cells) == 1:
            outputs, _ = dynamic_rnn(self.cells[0], inputs, lengths)
        else:
            both, _ = bidirectional_dynamic_rnn(*self.cells, inputs, lengths)
            outputs = torch.cat(both, dim=-1)
        return outputs @ self.projection["softmax_w"] + self.projection["softmax_b"]

    def variables(self) -> dict[str, Any]:
        """The parameters, by TensorFlow's names."""
        found: dict[str, Any] = {name: p.detach() for name, p in self.projection.items()}
        for cell, scope in zip(self.cells, self.scopes, strict=True):
            found |= tf1.variables_of(cell, scope)
        return found

    def descend(self, loss: Tensor, rate: float, clip_norm: float | None) -> Tensor:
        """A step against the gradient, and the norm that this had."""
        parameters = [p for cell in self.cells for p in cell.parameters()]
        parameters += self.projection.values()
        gradients = torch.autograd.grad(loss, parameters)
        norm = torch.sqrt(sum((g**2).sum() for g in gradients))
        scale = 1.0 if clip_norm is None else clip_norm / max(float(norm), clip_norm)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * scale * gradient
        return norm


def _loss(case: Case, logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    if case.entry["loss"] == BY_EXAMPLE:
        return masked_cross_entropy(logits, targets, lengths)
    mask = sequence_mask(lengths, logits.shape[1], dtype=logits.dtype)
    return sequence_loss(logits, targets, mask)
