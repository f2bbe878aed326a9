"""Layer normalisation inside of cells, with TensorFlow's names."""

from collections.abc import Sequence
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


def add_layer_norms(
    cell: nn.Module,
    scopes: Sequence[str],
    num_units: int,
    *,
    gain: float,
    shift: float,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> tuple[str, ...]:
    """Gives `cell` a `LayerNorm` under each name; returns what belongs in its `vector_names`."""
    for scope in scopes:
        norm = LayerNorm(num_units, gain=gain, shift=shift, dtype=dtype, device=device)
        cell.add_module(scope, norm)
    return tuple(f"{scope}.{vector}" for scope in scopes for vector in ("gamma", "beta"))


def layer_norm(values: Tensor, scope: Any) -> Tensor:
    """Ba et al. (2016, arXiv:1607.06450), over the last axis, as TensorFlow 1 does it.

    Where all units are equal, the result is `beta`, but the gradient is multiplied by one million.

    Args:
        values: `[batch, units]`.
        scope: has `gamma` and `beta`.
    """
    (centred,), variance = _centre([values])
    result: Tensor = scope.gamma * centred * _inverse_deviation(variance) + scope.beta
    return result


def layer_norm_gates(gates: Any, scopes: Sequence[str], weights: Any) -> Any:
    """The named tuple of gates, each normalised by itself in the scope of that place."""
    return type(gates)(
        *(
            layer_norm(gate, getattr(weights, scope))
            for gate, scope in zip(gates, scopes, strict=True)
        )
    )


def joint_layer_norm(parts: Sequence[Tensor], scopes: Sequence[Any]) -> list[Tensor]:
    """The layer normalisation of parts that lie side by side: one mean and one variance for all.

    Where all units of all parts are equal, the results are `beta` and no gradient goes through: the
    norm has no derivative there. That of `1 / sqrt(variance + epsilon)` would multiply the gradient
    at each of the zero steps that a sequence begins with: by one million with TensorFlow's
    epsilon, and by 30 still with 1e-3, so that a larger one only overflows later.

    Args:
        parts: `[batch, units]` each.
        scopes: one per part, with its `gamma` and `beta`.
    """
    centred, variance = _centre(parts)
    scale = torch.where(variance > 0, _inverse_deviation(variance), 0.0)
    return [
        scope.gamma * part * scale + scope.beta for part, scope in zip(centred, scopes, strict=True)
    ]


def _centre(parts: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
    """The parts less their common mean, and their common variance, `[batch, 1]`."""
    mean = _mean([part.mean(-1, keepdim=True) for part in parts])
    centred = [part - mean for part in parts]
    return centred, _mean([part.square().mean(-1, keepdim=True) for part in centred])


def _inverse_deviation(variance: Tensor) -> Tensor:
    return torch.rsqrt(variance + (1e-3 if variance.dtype == torch.float16 else 1e-12))


def _mean(values: Sequence[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total / len(values) if len(values) > 1 else total
