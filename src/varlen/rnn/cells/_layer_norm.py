"""The simple recurrent network and the GRU with layer normalisation."""

from typing import Any

import torch
from torch import nn

from varlen.rnn._dropped import drop_candidate
from varlen.rnn._norm import LayerNorm, joint_layer_norm
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    as_activation,
    make_parameter,
)
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes


class LayerNormRNNCell(RecurrentCell):
    r"""The simple recurrent network with layer normalisation of Ba et al. (2016, arXiv:1607.06450).

    What goes into the activation has mean `beta` and standard deviation `gamma` over the units.
    Where `a` is the same for all units, as while a sequence begins with zeros, it is `beta`, and no
    gradient goes through the normalisation.

    Equations:
        $$a_t = W x_t + U h_{t-1}$$
        $$h_t = \tanh(\mathrm{LN}(a_t; \gamma, \beta))$$
        $$\mathrm{LN}(a; \gamma, \beta) = \gamma \odot (a - \bar{a}) / \mathrm{std}(a) + \beta$$

    When to choose it: a simple recurrent network whose activations would explode, vanish or drift
    on long sequences. Its gradients can still grow by a few percent a step: learn sequences of
    thousands of steps in pieces.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: a function or its name; None is tanh.
        norm_gain: initial `gamma`.
        norm_shift: initial `beta`.
        kernel_initializer: fills the kernel; None is Glorot uniform.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, num_units]`, `norm.gamma` and `norm.beta`
    `[num_units]`.
    """

    gate_names = ("hidden",)
    vector_names = ("norm.gamma", "norm.beta")

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        activation: str | Activation | None = None,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        kernel_initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.kernel = make_parameter(
            input_size + num_units,
            num_units,
            initializer=kernel_initializer,
            dtype=dtype,
            device=device,
        )
        self.norm = LayerNorm(
            num_units, gain=norm_gain, shift=norm_shift, dtype=dtype, device=device
        )

    def products(self) -> Products:
        of_inputs, of_state = torch.split(self.kernel, [self.input_size, self.num_units])
        return Products(of_inputs, of_state)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        (hidden,) = joint_layer_norm([gates.hidden], [weights.norm])
        state = self.activation(hidden)
        return state, state


_SCOPES = tuple(
    f"{gate}_{source}" for gate in ("reset", "update", "candidate") for source in ("x", "h")
)


class LayerNormGRUCell(RecurrentCell):
    r"""The GRU with layer normalisation of Ba et al. (2016, arXiv:1607.06450), supplement.

    What inputs and state give is normalised apart: for reset and update gate together, with one
    mean and one variance for both, and for the candidate. The reset gate multiplies after the
    product, as in the paper. Where `a` is the same for all units, as at steps of zeros, `LN(a)` is
    `beta`, and no gradient goes through it; a kernel that begins with zeros alone learns nothing.

    Equations:
        $$(r_t, z_t) = \mathrm{LN}_1(W_g x_t) + \mathrm{LN}_2(U_g h_{t-1})$$
        $$a_t = \mathrm{LN}_3(W_c x_t) + \sigma(r_t) \odot \mathrm{LN}_4(U_c h_{t-1})$$
        $$\tilde{h}_t = \tanh(a_t)$$
        $$h_t = (1 - \sigma(z_t)) \odot h_{t-1} + \sigma(z_t) \odot \tilde{h}_t$$
        $$\mathrm{LN}_k(a) = \gamma_k \odot (a - \bar{a}) / \mathrm{std}(a) + \beta_k$$

    When to choose it: a GRU that trains faster and steadier on long sequences, and small batches,
    where batch normalisation cannot be used.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: of the candidate; a function or its name; None is tanh.
        norm_gain: initial `gamma` of all normalisations.
        norm_shift: initial `beta` of all normalisations.
        kernel_initializer: fills both kernels; None is Glorot uniform.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size, 3 * num_units]` and `recurrent_kernel`
    `[num_units, 3 * num_units]` (reset, update, candidate), and `gamma` and `beta` `[num_units]`
    under `reset_x`, `reset_h`, `update_x`, `update_h`, `candidate_x` and `candidate_h`.
    """

    recurrent_gate_names = ("reset_h", "update_h", "candidate_h")
    input_gate_names = ("reset_x", "update_x", "candidate_x")
    vector_names = tuple(f"{scope}.{name}" for scope in _SCOPES for name in ("gamma", "beta"))
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        activation: str | Activation | None = None,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        kernel_initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")

        def weight(rows: int) -> nn.Parameter:
            return make_parameter(
                rows, 3 * num_units, initializer=kernel_initializer, dtype=dtype, device=device
            )

        self.kernel = weight(input_size)
        self.recurrent_kernel = weight(num_units)
        for scope in _SCOPES:
            norm = LayerNorm(
                num_units, gain=norm_gain, shift=norm_shift, dtype=dtype, device=device
            )
            self.add_module(scope, norm)

    def products(self) -> Products:
        return Products(self.kernel, self.recurrent_kernel)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        w = weights
        reset_x, update_x = joint_layer_norm(
            [gates.reset_x, gates.update_x], [w.reset_x, w.update_x]
        )
        reset_h, update_h = joint_layer_norm(
            [gates.reset_h, gates.update_h], [w.reset_h, w.update_h]
        )
        reset, update = torch.sigmoid(reset_x + reset_h), torch.sigmoid(update_x + update_h)
        (candidate_x,) = joint_layer_norm([gates.candidate_x], [w.candidate_x])
        (candidate_h,) = joint_layer_norm([gates.candidate_h], [w.candidate_h])
        candidate = self.activation(candidate_x + reset * candidate_h)
        state = (1 - update) * state + update * drop_candidate(candidate, weights)
        return state, state
