"""One layer in one direction as a cell: torch's equations over torch's parameters.

The weights of a layer may be replaced at any time (a step of `functional_call`, a parametrisation),
so a cell is made anew for each run and owns none of them.
"""

from abc import abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen.rnn._recurrent import NOT_SETTINGS, Products, RecurrentCell


class LayerWeights(NamedTuple):
    """The parameters of one layer in one direction, under torch's names and in torch's order.

    Attributes:
        weight_ih: `[gates * hidden, layer's input]`.
        weight_hh: `[gates * hidden, layer's output]`.
        bias_ih: `[gates * hidden]`, or None.
        bias_hh: the same.
        weight_hr: `[projection, hidden]`, or None.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    weight_hr: Tensor | None = None


class LayerCell(RecurrentCell):
    """What the cells of the layers share: weights that belong to the layer."""

    not_settings = NOT_SETTINGS | {"_weights"}
    _weights: LayerWeights

    def __init__(self, weights: LayerWeights) -> None:
        super().__init__()
        projection = weights.weight_hr
        output_size = weights.weight_hh.shape[1]
        # Not one by one, as a module's attributes are set: a cell is made in every run.
        vars(self).update(
            _weights=weights,
            input_size=weights.weight_ih.shape[1],
            output_size=output_size,
            num_units=output_size if projection is None else projection.shape[1],
        )

    @property
    def dtype(self) -> torch.dtype:
        return self._weights.weight_ih.dtype

    @property
    def device(self) -> torch.device:
        return self._weights.weight_ih.device

    def products(self) -> Products:
        weights = self._weights
        bias = None
        if weights.bias_ih is not None and weights.bias_hh is not None:
            bias = self.join_biases(weights.bias_ih, weights.bias_hh)
        second = None if weights.weight_hr is None else weights.weight_hr.t()
        return Products(weights.weight_ih.t(), weights.weight_hh.t(), bias, second)

    @abstractmethod
    def join_biases(self, of_inputs: Tensor, of_state: Tensor) -> Tensor:
        """The bias of every gate, from torch's two."""


class RNNLayerCell(LayerCell):
    """Elman's (1990) network: `h' = act(W_ih x + b_ih + W_hh h + b_hh)`."""

    gate_names = ("hidden",)

    def __init__(self, weights: LayerWeights, *, nonlinearity: str) -> None:
        super().__init__(weights)
        self.state_size = self.num_units
        self.nonlinearity = nonlinearity

    def join_biases(self, of_inputs: Tensor, of_state: Tensor) -> Tensor:
        return of_inputs + of_state

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        h = torch.tanh(gates.hidden) if self.nonlinearity == "tanh" else torch.relu(gates.hidden)
        return h, h


class GRULayerCell(LayerCell):
    """The GRU whose reset gate multiplies after the product, as cuDNN's and torch's do."""

    gate_names = ("reset", "update")
    recurrent_gate_names = ("memory",)
    input_gate_names = ("candidate",)

    def __init__(self, weights: LayerWeights) -> None:
        super().__init__(weights)
        self.state_size = self.num_units

    def join_biases(self, of_inputs: Tensor, of_state: Tensor) -> Tensor:
        both = 2 * self.num_units
        return torch.cat([of_inputs[:both] + of_state[:both], of_state[both:], of_inputs[both:]])

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        reset, update = torch.sigmoid(gates.reset), torch.sigmoid(gates.update)
        candidate = torch.tanh(gates.candidate + reset * gates.memory)
        h = (1 - update) * candidate + update * state
        return h, h


class LSTMLayerState(NamedTuple):
    """In torch's order."""

    h: Any
    c: Any


class LSTMLayerCell(LayerCell):
    """The LSTM with torch's order of gates, and with a projection if there is one."""

    gate_names = ("input", "forget", "candidate", "output")

    def __init__(self, weights: LayerWeights) -> None:
        super().__init__(weights)
        self.state_size = LSTMLayerState(self.output_size, self.num_units)
        self.second_name = None if weights.weight_hr is None else "projection"

    def join_biases(self, of_inputs: Tensor, of_state: Tensor) -> Tensor:
        return of_inputs + of_state

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        write, forget = torch.sigmoid(gates.input), torch.sigmoid(gates.forget)
        c = forget * state.c + write * torch.tanh(gates.candidate)
        h = torch.sigmoid(gates.output) * torch.tanh(c)
        if self.second_name is not None:
            h = weights.projection(h)
        return h, LSTMLayerState(h, c)
