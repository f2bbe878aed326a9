"""Adam for large tables of embeddings, of which a step sees few rows."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class LazyAdam:
    """Moves the rows that have a gradient, and leaves the others with their moments as they are.

    Adam (Kingma and Ba 2015) would also move rows that a step does not see, by what is left of
    their moments, and so read and write whole tables each step. Where a step sees all rows, both do
    the same. Weights do not decay.

    Args:
        tables: parameters `[rows, size]` with sparse gradients.
    """

    def __init__(self, tables: Sequence[Tensor]) -> None:
        self.tables = list(tables)
        self._moments = [(torch.zeros_like(table), torch.zeros_like(table)) for table in tables]
        self._num_steps = [0 for _ in tables]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Takes a step with the gradients that are there, which are coalesced."""
        for number, (table, (first, second)) in enumerate(
            zip(self.tables, self._moments, strict=True)
        ):
            if table.grad is None:
                continue
            rows, gradients = table.grad.indices()[0], table.grad.values()
            self._num_steps[number] += 1
            mean = first[rows].lerp(gradients, 1 - _BETAS[0])
            square = second[rows].lerp(gradients.square(), 1 - _BETAS[1])
            first[rows], second[rows] = mean, square
            corrections = [1 - beta ** self._num_steps[number] for beta in _BETAS]
            deviation = (square / corrections[1]).sqrt_().add_(_EPSILON)
            moves = mean / corrections[0] / deviation
            table.index_add_(0, rows, moves, alpha=-learning_rate)

    def state(self) -> dict[str, Tensor]:
        """The moments and numbers of steps, by name. They are not copies."""
        found: dict[str, Tensor] = {}
        for number, (first, second) in enumerate(self._moments):
            found |= {
                f"{number}.exp_avg": first,
                f"{number}.exp_avg_sq": second,
                f"{number}.step": torch.tensor(self._num_steps[number]),
            }
        return found

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Puts back what `state` gave.

        Raises:
            RuntimeError, KeyError: it is that of other tables.
        """
        for number, (first, second) in enumerate(self._moments):
            first.copy_(state[f"{number}.exp_avg"])
            second.copy_(state[f"{number}.exp_avg_sq"])
            self._num_steps[number] = int(state[f"{number}.step"])
