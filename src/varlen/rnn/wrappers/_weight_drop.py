"""Weights that are dropped for a whole run."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from varlen.rnn._cell import RNNCell, take_step
from varlen.rnn._parameters import check_keep_prob
from varlen.rnn._recurrent import NOT_SETTINGS, Products, RecurrentCell
from varlen.rnn.wrappers._place import keep_place_of_inner
from varlen.rnn.wrappers._variant import variant

_LARGEST_SEED = 2**62


class WeightDropNoise(NamedTuple):
    """What a `WeightDropWrapper` draws.

    Attributes:
        seed: int64, `[steps, 1]`, the same number in all steps, from which `masks` makes the masks.
        cell: the noise of the cell.
    """

    seed: Tensor
    cell: Any


class WeightDropWrapper(RNNCell):
    r"""Weight dropping, of Merity et al. (2017, arXiv:1708.02182): DropConnect between states.

    Drops single weights of the products with the state, those from which the gates are made and
    that of a GRU's candidate, not those of a projection. One mask is drawn for a whole unroll and
    all its sequences, and the cell runs with the weights that are left on whatever engine it runs
    on. Only a cell in training mode drops; what stays is scaled by `1 / keep_prob`.

    A step that is taken alone is a run of its own. For `varlen.LSTM` and its kin, `WeightDrop` does
    the same as a parametrization.

    Equations:
        $$M \sim \mathrm{Bernoulli}(p), \quad U' = M \odot U / p$$
        $$h_t = \mathrm{cell}(x_t, h_{t-1}; W, U')$$

    When to choose it: language models that overfit; it costs next to nothing and leaves the states
    whole.

    Args:
        cell: whose weights are dropped.
        keep_prob: p, the probability that a weight stays, above 0 and at most 1.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: no `RecurrentCell`.
        ValueError: a probability outside of (0, 1], or a cell without a product with its state.
    """

    def __init__(self, cell: RecurrentCell, keep_prob: float) -> None:
        super().__init__()
        if not isinstance(cell, RecurrentCell):
            raise TypeError(
                "WeightDropWrapper: cell: expected a RecurrentCell, which names its products, "
                f"found a {type(cell).__name__}"
            )
        if not cell.products().recurrent.numel():
            raise ValueError(
                f"WeightDropWrapper: cell: {type(cell).__name__} has no product with its state"
            )
        self.cell = cell
        keep_place_of_inner(self)
        self.keep_prob = check_keep_prob(keep_prob, argument="keep_prob")
        self.input_size = cell.input_size
        self.state_size = cell.state_size
        self.output_size = cell.output_size

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> Any:
        return self.cell.zero_state(batch_size, dtype)

    def draw_noise(self, lengths: Tensor) -> Any:
        noise = self.cell.draw_noise(lengths)
        if self.keep_prob == 1 or not self.training:
            return None if noise is None else WeightDropNoise(None, noise)  # type: ignore[arg-type]
        seed = torch.randint(_LARGEST_SEED, (1, 1), device=lengths.device)
        return WeightDropNoise(seed.expand(int(lengths.sum()), 1), noise)

    def masks(self, seed: int) -> list[Tensor]:
        """What stays, as bools: of the product with the state, and of a GRU's second one."""
        generator = torch.Generator().manual_seed(seed)
        products = self.cell.products()
        dropped = [products.recurrent]
        if products.second is not None and self.cell.second_name != "projection":
            dropped.append(products.second)
        return [
            (torch.rand(weights.shape, generator=generator) < self.keep_prob).to(weights.device)
            for weights in dropped
        ]

    def resolve(self, noise: Any) -> tuple[RNNCell, Any]:
        """The cell with the weights that are left; so every engine runs it as it runs the cell."""
        if noise is None:
            return self.cell.resolve(None)
        cell, seed = self.cell, noise.seed
        if seed is not None and len(seed):
            if (seed != seed[0]).any():
                raise ValueError(
                    "WeightDropWrapper: noise: expected one seed in all steps of a run, found "
                    f"{len(seed.unique())}"
                )
            cell = self._dropped(self.masks(int(seed[0])))
        return cell.resolve(noise.cell)

    def _dropped(self, masks: list[Tensor]) -> RecurrentCell:
        products = self.cell.products()
        names = ("recurrent", "second")
        left = {
            name: getattr(products, name) * mask / self.keep_prob
            for name, mask in zip(names, masks, strict=False)
        }
        return variant(self.cell, _Dropped, left=products._replace(**left))

    def forward(self, inputs: Tensor, state: Any, noise: Any = None) -> tuple[Any, Any]:
        if noise is None:
            ones = torch.ones(len(inputs), dtype=torch.int64, device=inputs.device)
            noise = self.draw_noise(ones)
        cell, its_noise = self.resolve(noise)
        return take_step(cell, inputs, state, its_noise)


class _Dropped(RecurrentCell):
    not_settings = NOT_SETTINGS | {"left"}
    left: Products

    def products(self) -> Products:
        return self.left


class WeightDrop(nn.Module):
    """Weight dropping as a parametrization of one matrix (Merity et al. 2017, arXiv:1708.02182).

    Each forward pass of the module sees a matrix with a mask of its own; in evaluation all of it:

        torch.nn.utils.parametrize.register_parametrization(
            lstm, "weight_hh_l0", WeightDrop(0.5)
        )

    Args:
        keep_prob: the probability that a weight stays, above 0 and at most 1.

    Raises:
        ValueError: a probability outside of (0, 1].
    """

    def __init__(self, keep_prob: float) -> None:
        super().__init__()
        self.keep_prob = check_keep_prob(keep_prob, argument="keep_prob")

    def forward(self, weight: Tensor) -> Tensor:
        return nn.functional.dropout(weight, 1 - self.keep_prob, self.training)
