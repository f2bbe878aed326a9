"""What the layers with torch's contract share: parameters, states, the way through the layers."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from varlen.rnn._parameters import check_positive, make_parameter
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine import unroll
from varlen.rnn.layers._cells import LayerWeights
from varlen.rnn.layers._dropout import drop
from varlen.rnn.layers._forms import Sequences, take_sequences


class RecurrentLayers(nn.Module, ABC):
    """A stack of recurrent layers in one or both directions, with torch's parameters.

    Attributes:
        num_gates: how many gates the rows of the weights are.
        state_names: torch's names of the parts of the state, in its order.
    """

    num_gates: int
    state_names: tuple[str, ...]
    weight_ih_l0: nn.Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        recompute: bool,
    ) -> None:
        super().__init__()
        self.input_size = check_positive(input_size, argument="input_size")
        self.hidden_size = check_positive(hidden_size, argument="hidden_size")
        self.num_layers = check_positive(num_layers, argument="num_layers")
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = _check_dropout(dropout, num_layers)
        self.bidirectional = bidirectional
        self.proj_size = _check_projection(proj_size, hidden_size)
        self.recompute = recompute
        for layer in range(num_layers):
            layer_input = input_size if layer == 0 else self.num_directions * self.output_size
            for direction in range(self.num_directions):
                for name, shape in self._shapes(layer_input).items():
                    parameter = make_parameter(
                        *shape, initializer=_nothing, dtype=dtype, device=device
                    )
                    self.register_parameter(_full_name(name, layer, direction), parameter)
        self._weight_names = tuple(self._shapes(input_size))
        self.reset_parameters()

    @abstractmethod
    def make_cell(self, weights: LayerWeights) -> RecurrentCell:
        """The cell of one layer in one direction."""

    @property
    def num_directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Width of what one direction gives."""
        return self.proj_size or self.hidden_size

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Widths of the parts of the state, in the order of `state_names`."""
        return (self.output_size, self.hidden_size)[: len(self.state_names)]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction, in torch's order."""
        return [
            [weight for weight in self._weights(layer, direction) if weight is not None]
            for layer, direction in self._places()
        ]

    def cells(self) -> list[RecurrentCell]:
        """The cells of all layers and directions, with the weights as they are now."""
        return [self.make_cell(self._weights(*place)) for place in self._places()]

    def reset_parameters(self) -> None:
        """Draws every parameter from U(-b, b), b = 1/sqrt(hidden_size), in torch's order."""
        bound = self.hidden_size**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Does nothing: weights need not lie in one piece here."""

    def forward(
        self, input: Tensor | PackedSequence, hx: Any = None, lengths: Any = None
    ) -> tuple[Any, Any]:
        """Runs the layers along every row, each to its own length.

        Outputs at or past a row's length are zero, the final state is that after the row's last
        real step (the initial one if the row is empty), and backward directions begin at the
        row's last real step. What stands in the padding, NaN included, changes nothing.

        Args:
            input: `[time, batch, input_size]` (`[batch, time, input_size]` with `batch_first`), one
                sequence `[time, input_size]`, a `PackedSequence`, or a nested tensor
                `[batch, time, input_size]` with `layout=torch.jagged`.
            hx: the initial state, as torch takes it: `[layers * directions, batch, width]`, without
                the batch axis for one sequence, for an LSTM a pair `(h_0, c_0)`, and in the order
                of the batch before it was packed; None is zeros.
            lengths: `[batch]`, the real steps of each row of a padded `input`; a list, array or
                tensor of any integer type. None means that all are real.

        Returns:
            `(output, final_state)`: the output of the last layer, `[..., directions * width]`, in
            the form of `input`, and the state in the form of `hx`.

        Raises:
            TypeError: an `input` or `hx` of another kind.
            ValueError: shapes or dtypes that do not fit; a length out of range. The message names
                the argument and the row.
        """
        if torch.compiler.is_compiling():
            from varlen.rnn.engine._compiling import trace_programs

            trace_programs(self)
        given = take_sequences(
            input, lengths, batch_first=self.batch_first, layer=type(self).__name__
        )
        values = self._check_values(given.values)
        initial = self._initial_states(hx, given)
        final: list[list[Tensor]] = []
        with _without_autocast(values.device.type):
            for layer in range(self.num_layers):
                outputs = []
                for direction in range(self.num_directions):
                    cell = self.make_cell(self._weights(layer, direction))
                    state = cell.pack_state([part[len(final)] for part in initial])
                    output, state = unroll(
                        cell,
                        values,
                        given.rows,
                        state,
                        None,
                        reverse=direction == 1,
                        engine="auto",
                        recompute=self.recompute,
                    )
                    outputs.append(output)
                    final.append(cell.unpack_state(state))
                values = torch.cat(outputs, dim=-1) if self.bidirectional else outputs[0]
                if self.dropout and self.training and layer < self.num_layers - 1:
                    values = drop(values, self.dropout, given.live and given.live())
        return given.restore(values), self._join_states(final, given)

    def _places(self) -> Iterator[tuple[int, int]]:
        """Every layer and direction, in the order of the state."""
        return product(range(self.num_layers), range(self.num_directions))

    def _shapes(self, layer_input: int) -> dict[str, tuple[int, ...]]:
        rows = self.num_gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, layer_input),
            "weight_hh": (rows, self.output_size),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    def _weights(self, layer: int, direction: int) -> LayerWeights:
        names = self._weight_names
        return LayerWeights(
            **{name: getattr(self, _full_name(name, layer, direction)) for name in names}
        )

    def _check_values(self, values: Tensor) -> Tensor:
        if values.shape[-1] != self.input_size:
            raise ValueError(
                f"{type(self).__name__}: expected input whose last axis is {self.input_size}, the "
                f"input_size, found {values.shape[-1]}"
            )
        return self._like_parameters(values, f"{type(self).__name__}: expected input")

    def _like_parameters(self, tensor: Tensor, expected: str) -> Tensor:
        """`tensor`, if it has the device and the dtype of the parameters."""
        like = self.weight_ih_l0
        if tensor.device != like.device:
            raise ValueError(
                f"{expected} on {like.device}, as the parameters, found {tensor.device}"
            )
        if torch.is_autocast_enabled(tensor.device.type) and tensor.is_floating_point():
            return tensor.to(like.dtype)  # what came before may have been in lower precision
        if tensor.dtype != like.dtype:
            raise ValueError(f"{expected} of {like.dtype}, as the parameters, found {tensor.dtype}")
        return tensor

    def _initial_states(self, hx: Any, given: Sequences) -> list[Tensor]:
        """The parts of the state, `[layers * directions, batch, width]` each."""
        places = self.num_layers * self.num_directions
        like = self.weight_ih_l0
        if hx is None:
            return [like.new_zeros(places, given.batch_size, n) for n in self.state_sizes]
        parts = [hx] if len(self.state_names) == 1 else hx
        if not isinstance(parts, tuple | list) or len(parts) != len(self.state_names):
            found = f" of {len(hx)}" if isinstance(hx, tuple | list) else ""
            raise TypeError(
                f"hx: expected a pair ({', '.join(self.state_names)}), "
                f"found a {type(hx).__name__}{found}"
            )
        return [
            self._check_state(part, name, (places, given.batch_size, n), given)
            for part, name, n in zip(parts, self.state_names, self.state_sizes, strict=True)
        ]

    def _check_state(
        self, part: Any, name: str, shape: tuple[int, int, int], given: Sequences
    ) -> Tensor:
        name = "hx" if len(self.state_names) == 1 else f"hx, {name}"
        if not isinstance(part, Tensor):
            raise TypeError(f"{name}: expected a tensor, found a {type(part).__name__}")
        expected = shape if given.is_batched else (shape[0], shape[2])
        if part.shape != expected:
            raise ValueError(f"{name}: expected shape {expected}, found {tuple(part.shape)}")
        state = self._like_parameters(part, f"{name}: expected a tensor")
        return state if given.is_batched else state[:, None]

    def _join_states(self, final: list[list[Tensor]], given: Sequences) -> Any:
        parts = [torch.stack(part) for part in zip(*final, strict=True)]
        if not given.is_batched:
            parts = [part[:, 0] for part in parts]
        return parts[0] if len(parts) == 1 else tuple(parts)

    def extra_repr(self) -> str:
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
            "recompute": False,
        }
        changed = [
            f"{name}={getattr(self, name)}"
            for name, default in defaults.items()
            if getattr(self, name) != default
        ]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])


def _without_autocast(device: str) -> AbstractContextManager[Any]:
    # To switch off what is off takes longer than a short step.
    if torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()


def _nothing(parameter: Tensor) -> None:
    """Leaves a parameter to `reset_parameters`."""


def _full_name(name: str, layer: int, direction: int) -> str:
    return f"{name}_l{layer}{'_reverse' if direction else ''}"


def _check_dropout(dropout: float, num_layers: int) -> float:
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
        raise ValueError(f"dropout: expected a number from 0 to 1, found {dropout!r}")
    if dropout and num_layers == 1:
        warnings.warn(
            f"dropout={dropout} acts between layers, and num_layers is 1: it does nothing",
            stacklevel=4,
        )
    return dropout


def _check_projection(proj_size: int, hidden_size: int) -> int:
    if isinstance(proj_size, bool) or not isinstance(proj_size, int):
        raise TypeError(f"proj_size: expected an int, found {proj_size!r}")
    if not 0 <= proj_size < hidden_size:
        raise ValueError(
            f"proj_size: expected from 0 (no projection) to {hidden_size - 1}, less than "
            f"hidden_size, found {proj_size}"
        )
    return proj_size
