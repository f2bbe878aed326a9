"""What GRUs share whose reset gate multiplies the state: products and the step."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import Activation, Initializer, KernelAndBias
from varlen.rnn._recurrent import Products, RecurrentCell


class GRUBase(RecurrentCell):
    """A GRU as in the paper of Cho et al. (2014), wherever its weights are."""

    gate_names = ("reset", "update")
    input_gate_names = ("candidate",)
    second_name = "candidate"
    drops_candidate = True
    activation: Activation

    @abstractmethod
    def matrices(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Kernel and bias of the gates (reset, update), then of the candidate.

        The rows of the kernels are inputs, then state: `[input_size + num_units, ...]`.
        """

    def products(self) -> Products:
        gates_kernel, gates_bias, candidate_kernel, candidate_bias = self.matrices()
        size = self.input_size
        return Products(
            input=torch.cat([gates_kernel[:size], candidate_kernel[:size]], dim=1),
            recurrent=gates_kernel[size:],
            bias=torch.cat([gates_bias, candidate_bias]),
            second=candidate_kernel[size:],
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        reset, update = torch.sigmoid(gates.reset), torch.sigmoid(gates.update)
        candidate = self.activation(gates.candidate + weights.candidate(reset * state))
        candidate = drop_candidate(candidate, weights)
        state = update * state + (1 - update) * candidate
        return state, state


class ScopedGRU(GRUBase):
    """A GRU with its weights in the scopes `gates` and `candidate`."""

    gates: KernelAndBias
    candidate: KernelAndBias

    def add_scopes(
        self,
        *,
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        dtype: torch.dtype | None,
        device: torch.device | str | None,
    ) -> None:
        """Makes the parameters; no `bias_initializer` is 1 for the gates, 0 for the candidate."""
        rows = self.input_size + self.num_units
        self.gates = KernelAndBias(
            rows,
            2 * self.num_units,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer or nn.init.ones_,
            dtype=dtype,
            device=device,
        )
        self.candidate = KernelAndBias(
            rows,
            self.num_units,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer or nn.init.zeros_,
            dtype=dtype,
            device=device,
        )

    def matrices(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        gates, candidate = self.gates, self.candidate
        return gates.kernel, gates.bias, candidate.kernel, candidate.bias
