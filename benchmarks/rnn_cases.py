"""What `benchmarks/rnn.py` runs: cells, sizes and lengths; by ours, by torch's, and the bound."""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import varlen
from varlen import (
    BasicRNNCell,
    CoupledInputForgetGateLSTMCell,
    GRUCell,
    LSTMCell,
    NASCell,
    UGRNNCell,
    dynamic_rnn,
)
from varlen.rnn import RecurrentCell

KINDS = ("inference", "training")
MOST_STEPS = 200
CELLS: dict[str, Callable[[int, int], RecurrentCell]] = {
    "LSTM": LSTMCell,
    "GRU": GRUCell,
    "RNN": BasicRNNCell,
    "LSTM+": lambda d, n: LSTMCell(  # peepholes, clipping and a projection
        d, n, use_peepholes=True, cell_clip=3.0, num_proj=n // 2, proj_clip=3.0
    ),
    "CIFG": CoupledInputForgetGateLSTMCell,
    "UGRNN": UGRNNCell,
    "NAS": NASCell,
}
# What torch has, and ours with the same parameters. This GRU resets after the product; the cell
# above resets before it, as TensorFlow's.
LAYERS = {
    "LSTM": (varlen.LSTM, nn.LSTM),
    "GRU": (varlen.GRU, nn.GRU),
    "RNN": (varlen.RNN, nn.RNN),
}
Work = Callable[[], object]


def draw_lengths(kind: str, batch_size: int) -> Tensor:
    rng = np.random.default_rng(0)
    drawn = {
        "log-normal": np.exp(rng.normal(np.log(30), 0.8, batch_size)).round(),
        "uniform": rng.integers(1, 100, batch_size),
        "constant": np.full(batch_size, 41),
        "one-long": np.r_[MOST_STEPS, np.full(batch_size - 1, 20)],
    }
    return torch.from_numpy(drawn[kind].clip(1, MOST_STEPS).astype(np.int64))


class CaseName(NamedTuple):
    cell: str
    input_size: int
    units: int
    batch_size: int = 64
    lengths: str = "log-normal"

    def __str__(self) -> str:
        return f"{self.cell} {self.input_size}x{self.units}"


class Case:
    """One cell on one batch: modules, inputs, and the work of everyone who runs in this process.

    Attributes:
        name: what it is.
        lengths: `[batch]`.
        cell: ours, TF-named.
        layers: ours and torch's with torch's names and the same parameters; None if torch has none.
    """

    def __init__(self, name: CaseName, lengths: Tensor | None = None) -> None:
        torch.manual_seed(0)
        self.name = name
        self.lengths = draw_lengths(name.lengths, name.batch_size) if lengths is None else lengths
        self.num_steps = int(self.lengths.sum())
        self.inputs = torch.randn(
            len(self.lengths), int(self.lengths.max()), name.input_size, requires_grad=True
        )
        self.cell = CELLS[name.cell](name.input_size, name.units)
        self.layers: tuple[nn.Module, nn.Module] | None = None
        if name.cell in LAYERS:
            ours, theirs = (
                make(name.input_size, name.units, batch_first=True) for make in LAYERS[name.cell]
            )
            ours.load_state_dict(theirs.state_dict())
            self.layers = (ours, theirs)

    def ours(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """By contestant, outputs of inputs; the first is the one to compare with torch."""
        cell = type(self.cell).__name__
        found = {
            f"{cell}, native": partial(self._unroll, engine="native"),
            f"{cell}, eager": partial(self._unroll, engine="eager"),
        }
        if self.layers is None:
            return found
        layer = self.layers[0]
        return {f"varlen.{self.name.cell}": lambda x: layer(x, lengths=self.lengths)[0], **found}

    def torchs(self) -> dict[str, Callable[[Tensor], Tensor]]:
        if self.layers is None:
            return {}
        layer = self.layers[1]
        return {
            "torch, padded": lambda x: layer(x)[0],
            "torch, packed": lambda x: layer(self._pack(x))[0].data,
        }

    def works(self, kind: str) -> dict[str, Work]:
        """By contestant of this process."""
        found = {
            name: self.work(kind, name, run) for name, run in (self.ours() | self.torchs()).items()
        }
        return {**found, "bound": self.bound(kind)}

    def work(self, kind: str, name: str, run: Callable[[Tensor], Tensor]) -> Work:
        """`run` without gradients, or with those of inputs and weights from one of the outputs."""
        if kind == "inference":
            return partial(_infer, run, self.inputs.detach())
        gradient = self._packed_gradient if name == "torch, packed" else self._padded_gradient
        modules: Iterable[nn.Module] = [self.cell, *(self.layers or ())]
        learnt = [self.inputs, *(p for module in modules for p in module.parameters())]
        return partial(_train, run, self.inputs, gradient, learnt)

    def bound(self, kind: str) -> Work:
        """Torch's products over the real steps: once, or for values, inputs and weights.

        The products are those of torch's layer where there is one, else those of the cell.
        """
        factors = []
        for rows, columns in self.product_shapes:
            left, weights = torch.randn(self.num_steps, rows), torch.randn(rows, columns)
            result = torch.randn(self.num_steps, columns)
            factors.append((left, weights))
            if kind == "training":
                factors += [(result, weights.t()), (left.t(), result)]
        return lambda: [left @ right for left, right in factors]

    @property
    def product_shapes(self) -> list[tuple[int, ...]]:
        """Of the weights that each step is multiplied by, `[in, out]`."""
        if self.layers is not None:
            layer = self.layers[1]
            return [tuple(w.t().shape) for w in (layer.weight_ih_l0, layer.weight_hh_l0)]
        products = self.cell.products()
        weights = (products.input, products.recurrent, products.second)
        return [tuple(w.shape) for w in weights if w is not None]

    @property
    def flops(self) -> int:
        """Of the products of one forward pass."""
        return 2 * self.num_steps * sum(rows * columns for rows, columns in self.product_shapes)

    def save(self, path: Path) -> None:
        """What peers in other interpreters need, and what they are to find."""
        arrays = {"inputs": self.inputs, "lengths": self.lengths}
        for prefix, module, name in (
            ("torch", self.layers and self.layers[1], f"varlen.{self.name.cell}"),
            ("tf", self.cell, f"{type(self.cell).__name__}, native"),
        ):
            if module is not None:
                arrays |= {f"{prefix}/{key}": value for key, value in module.state_dict().items()}
                arrays[f"{prefix}/outputs"] = self.ours()[name](self.inputs)
        np.savez(path, **{key: value.detach().numpy() for key, value in arrays.items()})

    @cached_property
    def _padded_gradient(self) -> Tensor:
        return torch.randn(*self.inputs.shape[:2], int(self.cell.output_size))

    @cached_property
    def _packed_gradient(self) -> Tensor:
        return torch.randn(self.num_steps, int(self.cell.output_size))

    def _unroll(self, inputs: Tensor, *, engine: Any) -> Tensor:
        outputs: Tensor = dynamic_rnn(self.cell, inputs, self.lengths, engine=engine)[0]
        return outputs

    def _pack(self, inputs: Tensor) -> Any:
        return pack_padded_sequence(inputs, self.lengths, batch_first=True, enforce_sorted=False)


def _infer(run: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    with torch.inference_mode():
        return run(inputs)


def _train(
    run: Callable[[Tensor], Tensor], inputs: Tensor, gradient: Tensor, learnt: list[Tensor]
) -> None:
    for tensor in learnt:
        tensor.grad = None
    run(inputs).backward(gradient)
