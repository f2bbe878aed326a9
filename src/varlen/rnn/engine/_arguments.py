"""What an unroll of a program is given besides the values and where they lie."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from varlen.rnn._recurrent import Products


class Arguments(NamedTuple):
    """The tensors of a cell and of a run.

    Attributes:
        products: the weights of the products.
        vectors: the other parameters, `[units]` each.
        noises: what is drawn for each step, `[steps, units]` each, sequence after sequence.
        states: the initial ones, `[batch, state units]` each.
    """

    products: Products
    vectors: Sequence[Tensor]
    noises: Sequence[Tensor]
    states: Sequence[Tensor]

    def differentiable(self) -> list[Tensor]:
        """All that are there but the noise."""
        present = [weight for weight in self.products if weight is not None]
        return [*present, *self.vectors, *self.states]
