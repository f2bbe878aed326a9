"""Zoneout: some units keep the state that they had."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell, take_step, zeros_of
from varlen.rnn._recurrent import RecurrentCell, plain_steps
from varlen.rnn.wrappers._place import keep_place_of_inner
from varlen.rnn.wrappers._variant import variant


class ZoneoutNoise(NamedTuple):
    """What a `ZoneoutWrapper` draws.

    Attributes:
        state: as the state, bool, `[steps, ...]`: True where a unit keeps its old state; None for
            a leaf that is always new.
        cell: the noise of the cell.
    """

    state: Any
    cell: Any


class ZoneoutWrapper(RNNCell):
    r"""Zoneout, of Krueger et al. (2017, arXiv:1606.01305).

    In each step some units keep the state that they had, drawn anew for each step and each
    sequence, for real steps only. In evaluation every unit takes the expectation. Where the output
    of the cell is one of its states, as h of an LSTM, it is this state after zoneout, and h is
    made of the memory before it.

    Equations:
        $$m_t \sim \mathrm{Bernoulli}(p)$$
        $$s_t = m_t \odot s_{t-1} + (1 - m_t) \odot \mathrm{cell}(x_t, s_{t-1})$$
        $$s_t = p \, s_{t-1} + (1 - p) \, \mathrm{cell}(x_t, s_{t-1}) \quad \mathrm{(evaluation)}$$

    When to choose it: recurrent networks that overfit; unlike dropout it passes state and
    gradient on through the units that it stops. The paper takes 0.5 for c and 0.05 for h.

    Args:
        cell: any cell whose state is one tensor or a tuple of them.
        zoneout_prob: p, the probability that a unit keeps its state, at least 0 and below 1: one
            number, or one per leaf in the structure of the state, as
            `LSTMStateTuple(c=0.5, h=0.05)`.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: not a cell, or another structure than the state's.
        ValueError: a probability outside of [0, 1), or a cell that joins its states to one tensor.
    """

    def __init__(self, cell: RNNCell, zoneout_prob: Any) -> None:
        super().__init__()
        self.cell = as_cell(cell)
        if not all(getattr(module, "state_is_tuple", True) for module in cell.modules()):
            raise ValueError(
                f"ZoneoutWrapper: cell: expected a {type(cell).__name__} with state_is_tuple=True, "
                "so that its states can be told apart"
            )
        keep_place_of_inner(self)
        self.input_size = cell.input_size
        self.state_size = cell.state_size
        self.output_size = cell.output_size
        self.zoneout_prob = _spread(cell, zoneout_prob)

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> Any:
        return self.cell.zero_state(batch_size, dtype)

    def draw_noise(self, lengths: Tensor) -> ZoneoutNoise | None:
        noise, num_steps = self.cell.draw_noise(lengths), int(lengths.sum())

        def draw(leaf: Tensor, prob: float) -> Tensor | None:
            if prob == 0:
                return None
            return torch.rand(num_steps, *leaf.shape[1:], device=lengths.device) < prob

        if not self.training or not any(_nest.leaves(self.zoneout_prob)):
            return None if noise is None else ZoneoutNoise(None, noise)
        like = zeros_of(self.state_size, torch.empty(0, 0))
        return ZoneoutNoise(_nest.map_structure(draw, like, self.zoneout_prob), noise)

    def resolve(self, noise: ZoneoutNoise | None) -> tuple[RNNCell, Any]:
        """A cell that does the same on any engine, if the wrapped one names its arithmetic."""
        cell, its_noise = self.cell.resolve(None if noise is None else noise.cell)
        if not isinstance(cell, RecurrentCell) or isinstance(cell, _Expected | _Zoned):
            return self, noise
        if noise is None or noise.state is None:
            probs = tuple(_nest.leaves(self.zoneout_prob))
            return variant(cell, _Expected, zoneout_prob=probs), its_noise
        names, draws = () if its_noise is None else cell.noise_names, list(its_noise or ())
        for number, kept in enumerate(_nest.leaves(noise.state)):
            if kept is not None:
                names += (f"kept_{number}",)
                draws.append(kept)
        zoned = variant(cell, _Zoned, noise_names=names, cell_draws=its_noise is not None)
        return zoned, tuple(draws)

    def forward(
        self, inputs: Any, state: Any, noise: ZoneoutNoise | None = None
    ) -> tuple[Any, Any]:
        if noise is None:
            first = _nest.leaves(inputs)[0]
            ones = torch.ones(len(first), dtype=torch.int64, device=first.device)
            noise = self.draw_noise(ones)
        cell, its_noise = self.resolve(noise)
        if cell is not self:
            return take_step(cell, inputs, state, its_noise)
        noise = noise or ZoneoutNoise(None, None)
        with plain_steps():  # in which an output that is a state is the same tensor
            output, next_state = take_step(self.cell, inputs, state, noise.cell)
        leaves, structure = _nest.flatten(next_state)
        kept = self.zoneout_prob if noise.state is None else noise.state
        output, leaves = _zone_out(output, leaves, _nest.leaves(state), _nest.leaves(kept))
        return output, _nest.unflatten(structure, leaves)


def _spread(cell: RNNCell, zoneout_prob: Any) -> Any:
    """One probability per leaf of the state."""
    state = cell.zero_state(0)
    if isinstance(zoneout_prob, int | float):
        probs = _nest.map_structure(lambda _: float(zoneout_prob), state)
    else:
        probs = _nest.pack_as(state, zoneout_prob, name="zoneout_prob")
    for prob in _nest.leaves(probs):
        if not 0 <= prob < 1:
            raise ValueError(
                f"ZoneoutWrapper: zoneout_prob: expected at least 0 and below 1, found {prob}"
            )
    return probs


def _zone_out(
    output: Any, new: list[Tensor], old: list[Tensor], kept: list[Any]
) -> tuple[Any, list[Tensor]]:
    """Output and state after zoneout; `kept` are masks, or probabilities for the expectation."""
    zoned = [_mix(*leaves) for leaves in zip(new, old, kept, strict=True)]
    for leaf, its_zoned in zip(new, zoned, strict=True):
        if output is leaf:
            output = its_zoned
    return output, zoned


def _mix(new: Tensor, old: Tensor, kept: Any) -> Tensor:
    if kept is None:
        return new
    if isinstance(kept, Tensor):
        return torch.where(kept, old, new)
    expected: Tensor = kept * old + (1 - kept) * new
    return expected


class _Expected(RecurrentCell):
    zoneout_prob: tuple[float, ...]

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        output, next_state = super().update(gates, state, weights)  # type: ignore[safe-super]
        output, leaves = _zone_out(
            output,
            self.ungroup_state(next_state),
            self.ungroup_state(state),
            list(self.zoneout_prob),
        )
        return output, self.group_state(leaves)


class _Zoned(RecurrentCell):
    cell_draws: bool

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        drawn = vars(weights.noise)
        if not self.cell_draws:
            weights.noise = None
        output, next_state = super().update(gates, state, weights)  # type: ignore[safe-super]
        new, old = self.ungroup_state(next_state), self.ungroup_state(state)
        masks = [drawn.get(f"kept_{number}") for number in range(len(old))]
        kept = [None if mask is None else mask > 0 for mask in masks]
        output, leaves = _zone_out(output, new, old, kept)
        return output, self.group_state(leaves)
