"""The laws that every cell is held to, one function each, and `check_cell`, which applies them all.

A cell here is a freshly made one in float64, so that the laws can be tight. Each law raises an
AssertionError that says which one is broken.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError, gradcheck

from varlen.rnn import RNNCell, _nest, dynamic_rnn
from varlen.rnn._cell import zeros_of

MakeInputs = Callable[[int], Any]
"""Makes the inputs of a row from its number of steps, each leaf `[steps, ...]`."""

LENGTHS = ((3, 0, 5, 1), (0, 0), (4,), (2, 2, 2))
FILLS = (1e30, float("inf"), float("nan"))


def check_cell(
    make_cell: Callable[[], RNNCell],
    *,
    make_inputs: MakeInputs | None = None,
    true_gradients: bool = True,
    seed: int = 0,
) -> None:
    """Holds a cell to the laws of variable length.

    Padding is invisible, whatever it holds; each row is as if it ran alone; empty rows return
    their state; the order of the batch is free; two halves make a whole; gradients are true.

    Args:
        make_cell: makes the cell, in float64. A random cell must draw all that is random in
            `draw_noise`.
        make_inputs: the inputs of a row of so many steps, each leaf `[steps, ...]`, for a cell
            that does not take every number (one that takes ids); None draws what
            `cell.input_size` says, in float64.
        true_gradients: False leaves the last law out, for a cell whose gradients are on purpose
            not those of what it computes.
        seed: of parameters, inputs and draws.

    Raises:
        AssertionError: a law does not hold; the message names it.
    """
    torch.manual_seed(seed)
    cell = make_cell()
    if cell.dtype != torch.float64:
        raise TypeError(f"make_cell: expected a cell of torch.float64, found {cell.dtype}")
    for lengths in LENGTHS:
        for fill in FILLS:
            check_padding_is_invisible(cell, lengths, fill, make_inputs=make_inputs)
        check_rows_are_alone(cell, lengths, make_inputs=make_inputs)
        check_order_is_free(cell, lengths, make_inputs=make_inputs)
        check_halves_make_a_whole(cell, lengths, make_inputs=make_inputs)
    if true_gradients:
        check_gradients(cell, (2, 0, 3), make_inputs=make_inputs)


def check_padding_is_invisible(
    cell: RNNCell, lengths: Sequence[int], fill: float, *, make_inputs: MakeInputs | None = None
) -> None:
    """Neither what the padding holds nor how much of it there is changes anything.

    Outputs, final state and all gradients equal those of a block without needless padding;
    outputs and input gradients are exactly 0 in the padding; even the draws are the same.
    """
    rows = _random_rows(cell, lengths, make_inputs)
    results = []
    for extra, padding in ((0, 0.0), (3, fill)):
        inputs = _require_grad(_block(rows, lengths, max(lengths) + extra, padding))
        state = _require_grad(_random_state(cell, len(lengths)))
        cell.zero_grad()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            outputs, final = dynamic_rnn(cell, inputs, lengths, state)
        live = torch.arange(max(lengths) + extra) < torch.tensor(lengths)[:, None]
        for leaf in _nest.leaves(outputs):
            _assert_equal(leaf[~live], torch.zeros_like(leaf[~live]), "outputs are 0 in padding")
        _total(outputs, final).backward()  # type: ignore[no-untyped-call]
        gradients = [leaf.grad for leaf in _nest.leaves(inputs) if leaf.requires_grad]
        for gradient in gradients:
            assert gradient is not None
            _assert_equal(
                gradient[~live], torch.zeros_like(gradient[~live]), "no gradient in padding"
            )
        results.append(
            [leaf[live] for leaf in _nest.leaves(outputs)]
            + _nest.leaves(final)
            + [gradient[live] for gradient in gradients]
            + [leaf.grad for leaf in _nest.leaves(state)]
            + [parameter.grad for parameter in cell.parameters()]
        )
    for tight, loose in zip(*results, strict=True):
        _assert_equal(loose, tight, f"padding is invisible (padding {fill})", exact=True)


def check_rows_are_alone(
    cell: RNNCell, lengths: Sequence[int], *, make_inputs: MakeInputs | None = None
) -> None:
    """A row's outputs and final state are those of the row alone; of an empty one, its state."""
    rows = _random_rows(cell, lengths, make_inputs)
    state = _random_state(cell, len(lengths))
    noise = cell.draw_noise(torch.tensor(lengths))
    outputs, final = dynamic_rnn(
        cell, _block(rows, lengths, max(lengths) + 1, float("nan")), lengths, state, noise=noise
    )
    starts = np.cumsum([0, *lengths])
    for i, row in enumerate(rows):
        its_state = _take(state, slice(i, i + 1))
        if not lengths[i]:
            for leaf, before in zip(_with_rows(final), _with_rows(its_state), strict=True):
                _assert_equal(leaf[i : i + 1], before, "an empty row keeps its state", exact=True)
            continue
        its_noise = _take(noise, slice(starts[i], starts[i + 1]))
        alone, alone_final = dynamic_rnn(cell, _take(row, None), None, its_state, noise=its_noise)
        for leaf, its_leaf in zip(_nest.leaves(outputs), _nest.leaves(alone), strict=True):
            _assert_equal(leaf[i : i + 1, : lengths[i]], its_leaf, "outputs are as if alone")
        for leaf, its_leaf in zip(_with_rows(final), _with_rows(alone_final), strict=True):
            _assert_equal(leaf[i : i + 1], its_leaf, "the final state is as if alone")


def check_order_is_free(
    cell: RNNCell, lengths: Sequence[int], *, make_inputs: MakeInputs | None = None
) -> None:
    """The rows in another order give the same results in that order."""
    rows = _random_rows(cell, lengths, make_inputs)
    state = _random_state(cell, len(lengths))
    noise = cell.draw_noise(torch.tensor(lengths))
    block = _block(rows, lengths, max(lengths), 0.0)
    outputs, final = dynamic_rnn(cell, block, lengths, state, noise=noise)

    order = torch.randperm(len(lengths)).tolist()
    its_lengths = [lengths[i] for i in order]
    starts = np.cumsum([0, *lengths])
    draws = [d for i in order for d in range(starts[i], starts[i + 1])]
    other, other_final = dynamic_rnn(
        cell,
        _block([rows[i] for i in order], its_lengths, max(lengths), 0.0),
        its_lengths,
        _take(state, order),
        noise=_take(noise, draws),
    )
    for leaf, other_leaf in zip(
        _with_rows((outputs, final)), _with_rows((other, other_final)), strict=True
    ):
        _assert_equal(other_leaf, leaf[order], "the order of the batch is free")


def check_halves_make_a_whole(
    cell: RNNCell, lengths: Sequence[int], *, make_inputs: MakeInputs | None = None
) -> None:
    """Every row cut at step 2, with the state carried over, gives what the whole row gives."""
    cut = 2
    rows = _random_rows(cell, lengths, make_inputs)
    state = _random_state(cell, len(lengths))
    noise = cell.draw_noise(torch.tensor(lengths))
    block = _block(rows, lengths, max(lengths), 0.0)
    whole, final = dynamic_rnn(cell, block, lengths, state, noise=noise)

    steps = np.concatenate([np.arange(n) for n in lengths]) if sum(lengths) else np.arange(0)
    halves = []
    for part, in_half in ((slice(cut), steps < cut), (slice(cut, None), steps >= cut)):
        its_noise = _take(noise, torch.from_numpy(in_half))
        its_lengths = [len(range(n)[part]) for n in lengths]
        half = _block([_take(row, part) for row in rows], its_lengths, max(its_lengths), 0.0)
        outputs, state = dynamic_rnn(cell, half, its_lengths, state, noise=its_noise)
        halves.append(outputs)
    for leaf, first, second in zip(
        _nest.leaves(whole), _nest.leaves(halves[0]), _nest.leaves(halves[1]), strict=True
    ):
        _assert_equal(torch.cat([first, second], dim=1), leaf, "two halves make a whole")
    for leaf, carried in zip(_with_rows(final), _with_rows(state), strict=True):
        _assert_equal(carried, leaf, "the state carries over a cut")


def check_gradients(
    cell: RNNCell, lengths: Sequence[int], *, make_inputs: MakeInputs | None = None
) -> None:
    """Gradients of inputs, initial state and parameters equal finite differences."""
    noise = cell.draw_noise(torch.tensor(lengths))
    rows = _random_rows(cell, lengths, make_inputs)
    inputs = _require_grad(_block(rows, lengths, max(lengths) + 1, 0.0))
    given = (inputs, _require_grad(_random_state(cell, len(lengths))))
    leaves, structure = _nest.flatten(given)

    def results(*arguments: Tensor) -> tuple[Tensor, ...]:
        inputs, state = _nest.unflatten(structure, list(arguments[: len(leaves)]))
        outputs, final = dynamic_rnn(cell, inputs, lengths, state, noise=noise)
        return tuple(_with_rows((outputs, final)))

    try:
        gradcheck(results, (*leaves, *cell.parameters()))
    except GradcheckError as error:
        raise AssertionError(f"gradients are true: {error}") from error


def _random_rows(
    cell: RNNCell, lengths: Sequence[int], make_inputs: MakeInputs | None
) -> list[Any]:
    if make_inputs is not None:
        return [make_inputs(n) for n in lengths]
    like = [torch.empty(n, 0, dtype=torch.float64) for n in lengths]
    return [_map(zeros_of(cell.input_size, steps), torch.randn_like) for steps in like]


def _random_state(cell: RNNCell, batch_size: int) -> Any:
    generator = torch.Generator().manual_seed(batch_size)

    def vary(leaf: Tensor) -> Tensor:
        noise = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        return leaf + 0.5 * noise if leaf.ndim else leaf

    return _map(cell.zero_state(batch_size), vary)


def _with_rows(tree: Any) -> list[Tensor]:
    """The leaves that belong to rows; one without axes counts the steps of all rows together."""
    return [leaf for leaf in _nest.leaves(tree) if leaf.ndim]


def _block(rows: Sequence[Any], lengths: Sequence[int], num_steps: int, fill: float) -> Any:
    """Rows as a padded block; integers, which are no NaN, are padded with what is no id."""

    def pad(*leaves: Tensor) -> Tensor:
        padding = fill if leaves[0].is_floating_point() else -7
        block = leaves[0].new_full((len(rows), num_steps, *leaves[0].shape[1:]), padding)
        for i, (leaf, length) in enumerate(zip(leaves, lengths, strict=True)):
            block[i, :length] = leaf
        return block

    return _nest.map_structure(pad, *rows)


def _require_grad(tree: Any) -> Any:
    return _map(tree, lambda leaf: leaf.requires_grad_(leaf.is_floating_point()))


def _map(tree: Any, function: Callable[[Tensor], Tensor]) -> Any:
    return _nest.map_structure(lambda leaf: leaf if leaf is None else function(leaf), tree)


def _take(tree: Any, rows: Any) -> Any:
    return _map(tree, lambda leaf: leaf[rows] if leaf.ndim else leaf)


def _total(*trees: Any) -> Tensor:
    """A number that every entry of every leaf moves by a weight of its own."""
    return torch.stack([leaf.sin().sum() for leaf in _nest.leaves(trees)]).sum()


def _assert_equal(actual: Any, expected: Any, law: str, *, exact: bool = False) -> None:
    tolerance = 0.0 if exact else 1e-12
    torch.testing.assert_close(
        actual,
        expected,
        rtol=tolerance,
        atol=tolerance,
        msg=lambda difference: f"{law}: {difference}",
    )
