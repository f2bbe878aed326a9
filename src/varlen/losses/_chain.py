"""The real steps of a batch in the order of time, longest row first, so that nobody waits."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


class Chain(NamedTuple):
    """Where real steps are. The rows that still run at a step are always the first ones.

    Attributes:
        row_of: `[steps]`, the row of each step: all first steps, then all second ones, and so on.
        time_of: `[steps]`.
        num_running: how many rows have such a step; two numbers at least, which may be 0, so that
            whatever is done from step to step is part of every graph.
        shape: batch and time of the block.
    """

    row_of: Int[Tensor, " steps"]
    time_of: Int[Tensor, " steps"]
    num_running: list[int]
    shape: tuple[int, int]

    @classmethod
    def of(cls, live: Bool[Tensor, "batch time"]) -> "Chain":
        order = live.sum(1).argsort(descending=True, stable=True)
        time_of, position = live[order].T.nonzero().unbind(1)
        num_running = [n for n in live.sum(0).tolist() if n]
        num_running += [0] * (2 - len(num_running))
        return cls(order[position], time_of, num_running, (live.shape[0], live.shape[1]))

    def steps(self, block: Shaped[Tensor, "batch time *rest"]) -> list[Shaped[Tensor, "n *rest"]]:
        """What the block has at each time for the rows that still run."""
        return list(torch.split(block[self.row_of, self.time_of], self.num_running))

    def block(self, values: Shaped[Tensor, " steps"]) -> Shaped[Tensor, "batch time"]:
        """The values of steps at their places; 0 in the padding."""
        return values.new_zeros(self.shape).index_put((self.row_of, self.time_of), values)

    def rows(self, values: Shaped[Tensor, " n"]) -> Shaped[Tensor, " batch"]:
        """The values of rows that have steps at their places; 0 elsewhere."""
        first = self.row_of[: self.num_running[0]]
        return values.new_zeros(self.shape[0]).index_put((first,), values)
