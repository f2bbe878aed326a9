"""Recurrent dropout without memory loss."""

from typing import Any

import torch
from torch import Tensor

from varlen.rnn._cell import RNNCell, take_step
from varlen.rnn._parameters import check_keep_prob
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.wrappers._place import keep_place_of_inner
from varlen.rnn.wrappers._variant import variant


class RecurrentDropoutWrapper(RNNCell):
    r"""Recurrent dropout without memory loss, of Semeniuta et al. (2016, arXiv:1603.05118).

    Drops the candidate, which is what a step adds to the memory, and never the memory itself, so
    that nothing remembered is lost. The mask is drawn anew for each step and each sequence, for
    real steps only. Only a cell in training mode drops; what stays is scaled by `1 / keep_prob`
    (the paper scales by `keep_prob` in evaluation instead, which gives the same expectation).

    Equations:
        $$m_t \sim \mathrm{Bernoulli}(p), \quad d(g_t) = m_t \odot g_t / p$$
        $$c_t = f_t \odot c_{t-1} + i_t \odot d(g_t)$$

    When to choose it: an LSTM or GRU that overfits, where dropout of the state would make it
    forget.

    Args:
        cell: whose candidate is dropped, such as `LSTMCell`, `GRUCell` or `JANETCell`.
        keep_prob: p, the probability that a unit of the candidate stays, above 0 and at most 1.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: a cell that has no candidate to drop.
        ValueError: a probability outside of (0, 1].
    """

    def __init__(self, cell: RecurrentCell, keep_prob: float) -> None:
        super().__init__()
        if not getattr(cell, "drops_candidate", False):
            raise TypeError(
                "RecurrentDropoutWrapper: cell: expected one with a candidate to drop, as LSTMCell "
                f"or GRUCell, found a {type(cell).__name__}"
            )
        self.cell = cell
        keep_place_of_inner(self)
        self.keep_prob = check_keep_prob(keep_prob, argument="keep_prob")
        self.input_size = cell.input_size
        self.state_size = cell.state_size
        self.output_size = cell.output_size

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> Any:
        return self.cell.zero_state(batch_size, dtype)

    def draw_noise(self, lengths: Tensor) -> Tensor | None:
        """What stays: bool, `[steps, num_units]`; None if everything does."""
        if self.keep_prob == 1 or not self.training:
            return None
        shape = (int(lengths.sum()), self.cell.num_units)
        return torch.rand(shape, device=lengths.device) < self.keep_prob

    def resolve(self, noise: Any) -> tuple[RNNCell, Any]:
        if noise is None:
            return self.cell.resolve(None)
        dropped = variant(
            self.cell, _Dropping, noise_names=("candidate_mask",), keep_prob=self.keep_prob
        )
        return dropped, (noise,)

    def forward(self, inputs: Tensor, state: Any, noise: Tensor | None = None) -> tuple[Any, Any]:
        if noise is None:
            ones = torch.ones(len(inputs), dtype=torch.int64, device=inputs.device)
            noise = self.draw_noise(ones)
        cell, its_noise = self.resolve(noise)
        return take_step(cell, inputs, state, its_noise)


class _Dropping(RecurrentCell):
    keep_prob: float

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        weights.candidate_mask = weights.noise.candidate_mask / self.keep_prob
        weights.noise = None  # the cell itself draws nothing
        return super().update(gates, state, weights)  # type: ignore[safe-super]
