"""Layer normalisation inside of cells, with TensorFlow's names."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._parameters import make_parameter


class LayerNorm(nn.Module):
    """A scope with the two vectors of a layer normalisation: `gamma` and `beta`, `[units]` each.

    A cell names them in its `vector_names` (`"state.gamma"`) and gives what it then finds in
    `weights` to `layer_norm`.
    """

    def __init__(
        self,
        num_units: int,
        *,
        gain: float,
        shift: float,
        dtype: torch.dtype | None,
        device: torch.device | str | None,
    ) -> None:
        super().__init__()

        def filled(value: float) -> nn.Parameter:
            return make_parameter(
                num_units,
                initializer=lambda tensor: nn.init.constant_(tensor, value),
                dtype=dtype,
                device=device,
            )

        self.gamma = filled(gain)
        self.beta = filled(shift)


def layer_norm(values: Tensor, scope: Any) -> Tensor:
    """Ba et al. (2016, arXiv:1607.06450), over the last axis, as TensorFlow 1 does it.

    Args:
        values: `[batch, units]`.
        scope: has `gamma` and `beta`.
    """
    epsilon = 1e-3 if values.dtype == torch.float16 else 1e-12
    centred = values - values.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    gamma: Tensor = scope.gamma
    beta: Tensor = scope.beta
    return gamma * centred * torch.rsqrt(variance + epsilon) + beta
