"""Dropout on what goes into a cell, stays in it and comes out of it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import LSTMStateTuple, RNNCell, as_cell, take_step, zeros_of
from varlen.rnn._parameters import check_keep_prob
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.wrappers._around import AroundSteps, fit_around
from varlen.rnn.wrappers._place import keep_place_of_inner
from varlen.rnn.wrappers._variant import variant


class DropoutNoise(NamedTuple):
    """What a `DropoutWrapper` keeps, in the order of use: True where a value stays.

    Each leaf is a bool tensor `[steps, ...]`; None where nothing is dropped.
    """

    input: Any
    cell: Any
    state: Any
    output: Any


def keep_memory(state: Any) -> Any:
    """The default filter: of an `LSTMStateTuple` drop `h` and never `c`; else drop."""
    return LSTMStateTuple(c=False, h=True) if isinstance(state, LSTMStateTuple) else True


class DropoutWrapper(AroundSteps):
    r"""Drops inputs, state and outputs of a cell and scales what stays by `1 / keep_prob`.

    Input dropout comes before the cell; state dropout acts on the new state and output dropout
    on the output, each with masks of its own, so the `h` that an LSTM emits and the one that it
    carries differ. Only a cell in training mode drops; `eval()` switches it off, as in torch.

    Masks are drawn for real steps only, so padding never changes a draw.

    Equations:
        $$y_t, s_t = \mathrm{cell}(m^x_t \odot x_t / p_x, \; m^s_{t-1} \odot s_{t-1} / p_s)$$
        $$\mathrm{output}_t = m^y_t \odot y_t / p_y, \quad m^k_t \sim \mathrm{Bernoulli}(p_k)$$

    When to choose it: networks that overfit: inputs and outputs first, the state with
    `variational_recurrent`.

    Args:
        cell: what to wrap.
        input_keep_prob: the probability that an input stays, above 0 and at most 1; 1 switches
            this dropout off. TensorFlow rounds it to float32, and so does this.
        output_keep_prob: the same for the output.
        state_keep_prob: the same for the new state.
        variational_recurrent: one mask for all steps of an unroll (Gal and Ghahramani 2016,
            arXiv:1512.05287), and for all rows as well, which is TensorFlow's reading of it.
        input_size: not needed, the cell knows it; checked if given.
        dtype: not needed, the cell knows it; checked if given.
        seed: seeds a generator of the wrapper's own; None draws from `generator`.
        dropout_state_filter_visitor: says which leaves of the state may be dropped. It is called
            with each level of the state and returns True (look inside; for a tensor: drop), False
            (keep all of it) or one bool per entry. None is `keep_memory`.
        mask_per_sequence: with `variational_recurrent`, each sequence has a mask of its own, as in
            the paper. TensorFlow has no such thing.
        generator: what masks are drawn from, on whatever device it is; None is torch's.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: not a cell; a filter that cannot be called.
        ValueError: a probability outside of (0, 1], or a size or dtype that is not the cell's;
            `mask_per_sequence` without `variational_recurrent`; a generator as well as a seed.
    """

    def __init__(
        self,
        cell: RNNCell,
        input_keep_prob: float = 1.0,
        output_keep_prob: float = 1.0,
        state_keep_prob: float = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
        *,
        mask_per_sequence: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        fit_around(self, as_cell(cell))
        keep_place_of_inner(self)

        def check(keep_prob: float, argument: str) -> float:
            return check_keep_prob(keep_prob, argument=f"DropoutWrapper: {argument}")

        self.input_keep_prob = check(input_keep_prob, "input_keep_prob")
        self.output_keep_prob = check(output_keep_prob, "output_keep_prob")
        self.state_keep_prob = check(state_keep_prob, "state_keep_prob")
        if mask_per_sequence and not variational_recurrent:
            raise ValueError(
                "DropoutWrapper: mask_per_sequence: expected variational_recurrent=True with it, "
                "found False"
            )
        if generator is not None and seed is not None:
            raise ValueError(
                f"DropoutWrapper: generator: expected none beside a seed, found seed={seed}"
            )
        self.variational_recurrent = variational_recurrent
        self.mask_per_sequence = mask_per_sequence
        if input_size not in (None, cell.input_size):
            raise ValueError(
                f"DropoutWrapper: input_size: expected {cell.input_size}, as in the cell, "
                f"found {input_size}"
            )
        if dtype not in (None, cell.dtype):
            raise ValueError(
                f"DropoutWrapper: dtype: expected {cell.dtype}, as in the cell, found {dtype}"
            )
        visitor = (
            keep_memory if dropout_state_filter_visitor is None else (dropout_state_filter_visitor)
        )
        if not callable(visitor):
            raise TypeError(
                "DropoutWrapper: dropout_state_filter_visitor: expected a function, "
                f"found a {type(visitor).__name__}"
            )
        self._droppable = _visit(visitor, cell.zero_state(0))
        self._generator = generator if seed is None else torch.Generator().manual_seed(seed)

    def draw_noise(self, lengths: Tensor) -> DropoutNoise | None:
        noise = DropoutNoise(
            input=self._draw(self.input_size, self.input_keep_prob, lengths),
            cell=self.cell.draw_noise(lengths),
            state=self._draw(self.state_size, self.state_keep_prob, lengths, self._droppable),
            output=self._draw(self.output_size, self.output_keep_prob, lengths),
        )
        return None if all(part is None for part in noise) else noise

    def resolve(self, noise: DropoutNoise | None) -> tuple[RNNCell, Any]:
        return (self, noise) if noise is not None else self.cell.resolve(None)

    def inner(self, noise: DropoutNoise | None) -> tuple[RNNCell, Any] | None:
        """The cell, and its noise, that do all but drop inputs and outputs.

        None if there is none: the state is dropped, and the wrapped cell is no products.
        """
        if noise is None or all(mask is None for mask in _nest.leaves(noise.state)):
            return self.cell, noise and noise.cell
        cell, its_noise = self.cell.resolve(noise.cell)
        if not isinstance(cell, RecurrentCell) or isinstance(cell, _DropsState):
            return None
        joined = isinstance(noise.state, Tensor)
        leaves = cell.unpack_state(noise.state) if joined else _nest.leaves(noise.state)
        masks = {f"stays_{i}": mask for i, mask in enumerate(leaves) if mask is not None}
        names = (*(() if its_noise is None else cell.noise_names), *masks)
        dropping = variant(
            cell, _DropsState, noise_names=names, state_keep_prob=self.state_keep_prob
        )
        return dropping, (*(its_noise or ()), *masks.values())

    def before(self, inputs: Any, noise: DropoutNoise | None) -> Any:
        return inputs if noise is None else _drop(inputs, noise.input, self.input_keep_prob)

    def after(self, inputs: Any, outputs: Any, noise: DropoutNoise | None) -> Any:
        return outputs if noise is None else _drop(outputs, noise.output, self.output_keep_prob)

    def _draw(self, size: Any, keep_prob: float, lengths: Tensor, droppable: Any = None) -> Any:
        if keep_prob == 1 or not self.training:
            return None
        num_steps, real = int(lengths.sum()), lengths[lengths > 0]
        like = zeros_of(size, torch.empty(0, 0))

        def keep(leaf: Tensor, drop: bool = True) -> Tensor | None:
            if not drop:
                return None
            num_masks = num_steps
            if self.variational_recurrent:
                num_masks = len(real) if self.mask_per_sequence else 1
            uniform = self._uniform(torch.Size((num_masks, *leaf.shape[1:])), lengths.device)
            masks = uniform >= 1 - keep_prob
            if self.mask_per_sequence:
                return masks.repeat_interleave(real, dim=0)
            return masks.expand(num_steps, *leaf.shape[1:])

        return _nest.map_structure(keep, like, *([] if droppable is None else [droppable]))

    def _uniform(self, shape: torch.Size, device: torch.device) -> Tensor:
        if self._generator is None:
            return torch.rand(shape, device=device)
        generator = self._generator
        return torch.rand(shape, generator=generator, device=generator.device).to(device)

    def forward(
        self, inputs: Any, state: Any, noise: DropoutNoise | None = None
    ) -> tuple[Any, Any]:
        if noise is None:
            first = _nest.leaves(inputs)[0]
            ones = torch.ones(len(first), dtype=torch.int64, device=first.device)
            noise = self.draw_noise(ones) or DropoutNoise(None, None, None, None)
        output, next_state = take_step(self.cell, self.before(inputs, noise), state, noise.cell)
        next_state = _drop(next_state, noise.state, self.state_keep_prob)
        return self.after(inputs, output, noise), next_state


class _DropsState(RecurrentCell):
    state_keep_prob: float

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        drawn = vars(weights.noise)
        rest = {name: noise for name, noise in drawn.items() if not name.startswith("stays_")}
        weights.noise = SimpleNamespace(**rest) if rest else None
        output, next_state = super().update(gates, state, weights)  # type: ignore[safe-super]
        leaves = self.ungroup_state(next_state)
        kept = [drawn.get(f"stays_{i}") for i in range(len(leaves))]
        return output, self.group_state(_drop(leaves, kept, self.state_keep_prob))


def _visit(visitor: Callable[[Any], Any], state: Any) -> Any:
    """One bool per leaf of `state`: whether `visitor` lets it be dropped."""
    verdict = visitor(state)
    if not isinstance(state, tuple | list):
        if not isinstance(verdict, bool):
            raise TypeError(
                "dropout_state_filter_visitor: expected True or False for a tensor, "
                f"found {verdict!r}"
            )
        return verdict
    entries = (verdict,) * len(state) if isinstance(verdict, bool) else verdict
    parts = [
        _visit(visitor, part) if entry else _nest.map_structure(lambda _: False, part)
        for part, entry in zip(state, entries, strict=True)
    ]
    return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)


def _drop(values: Any, keep: Any, keep_prob: float) -> Any:
    if keep is None:
        return values
    # A mask of None is a leaf to torch's tree functions, so it stays beside its value.
    return _nest.map_structure(
        lambda value, kept: value if kept is None else torch.where(kept > 0, value / keep_prob, 0),
        values,
        keep,
    )
