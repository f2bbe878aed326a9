"""The LSTM that has only its forget gate left."""

from typing import Any

import torch

from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import Activation, Initializer, as_activation, check_positive
from varlen.rnn.cells._one_kernel import OneKernelCell


class JANETCell(OneKernelCell):
    r"""Just another network: van der Westhuizen and Lasenby (2018, arXiv:1804.04849).

    An LSTM with nothing but its forget gate. What is written is a little more than what was
    forgotten, by `beta`; the memory is the output.

    Equations:
        $$s_t = W_s x_t + U_s h_{t-1} + b_s$$
        $$\tilde{c}_t = \tanh(W_c x_t + U_c h_{t-1} + b_c)$$
        $$h_t = \sigma(s_t) \odot h_{t-1} + (1 - \sigma(s_t - \beta)) \odot \tilde{c}_t$$

    When to choose it: long memory with half the weights and work of an LSTM; give `chrono_steps`
    when what must be remembered is far back.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        beta: how much the gate that writes is more open than the one that forgets.
        chrono_steps: the longest memory wanted, in steps, from which the bias of the gate begins:
            the logarithm of U(1, chrono_steps - 1) (Tallec and Ollivier 2018, arXiv:1804.11188), as
            in the paper; None begins it at 1.
        activation: of the candidate; a function or its name; None is tanh.
        kernel_initializer: fills the kernel; None is Glorot uniform.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, 2 * num_units]` (forget, candidate), `bias`
    `[2 * num_units]`.

    Raises:
        ValueError: `chrono_steps` below 3.
    """

    gate_names = ("forget", "candidate")
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        beta: float = 1.0,
        chrono_steps: int | None = None,
        activation: str | Activation | None = None,
        kernel_initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            kernel_initializer=kernel_initializer,
            dtype=dtype,
            device=device,
        )
        self.beta = beta
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        with torch.no_grad():
            of_gate = self.bias[:num_units]
            if chrono_steps is None:
                of_gate.fill_(1)
            else:
                argument = "JANETCell: chrono_steps"
                if check_positive(chrono_steps, argument=argument) < 3:
                    raise ValueError(f"{argument}: expected at least 3, found {chrono_steps}")
                of_gate.uniform_(1, chrono_steps - 1).log_()

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        candidate = drop_candidate(self.activation(gates.candidate), weights)
        written = (1 - torch.sigmoid(gates.forget - self.beta)) * candidate
        state = torch.sigmoid(gates.forget) * state + written
        return state, state
