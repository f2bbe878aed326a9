"""What a recurrent cell is: one step, and the sizes of what goes in and comes out."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from varlen.rnn import _nest

Size = Any
"""An int `n` (a leaf `[batch, n]`), a `torch.Size` (a leaf `[batch, *size]`), or a (named) tuple
of sizes."""


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM: `c` is the memory of the cell, `h` its output."""

    c: Any
    h: Any


class RNNCell(nn.Module, ABC):
    """One step of a recurrent network.

    A cell of your own states its sizes and defines `forward`; every unroll then takes it:

        class Counter(RNNCell):
            input_size, state_size, output_size = 1, 1, 1

            def forward(self, inputs, state):
                state = state + (inputs > 0)
                return state, state

    The rows of a batch must not depend on each other, and a batch of no rows must work: an
    unroll calls the cell with the rows that are still running, and with nothing else.

    Attributes:
        input_size: the size of `inputs`.
        state_size: the size of the state; a nested one for a nested state.
        output_size: the size of the output.
    """

    input_size: Size
    state_size: Size
    output_size: Size

    @abstractmethod
    def forward(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        """Takes a step.

        Args:
            inputs: `[batch, input_size]`.
            state: as `state_size` says, each leaf `[batch, ...]`.

        Returns:
            `(output, next_state)`.
        """

    def draw_noise(self, lengths: Tensor) -> Any:
        """Draws what is random in an unroll of rows of these lengths; None if nothing is.

        A cell that returns something else gets it back step by step: each leaf has one row per
        real step, `[sum(lengths), ...]`, row by row in batch order, each row's steps in the
        order in which the cell takes them, and `forward(inputs, state, noise)` is called with
        the rows of its step. So padding cannot change a draw.

        Args:
            lengths: `[batch]`, int64, on the device of the inputs.
        """
        return None

    def resolve(self, noise: Any) -> tuple["RNNCell", Any]:
        """A cell, and its noise, that take the same steps in an unroll with this noise.

        A wrapper that has nothing to do in such an unroll, or nothing but a change of the weights
        or of the arithmetic, returns the cell that does it alone, which a faster engine may run.

        Args:
            noise: of `draw_noise`, or None.
        """
        return self, noise

    @property
    def dtype(self) -> torch.dtype:
        """That of the parameters; torch's default if there are none."""
        return next((p.dtype for p in self.parameters()), torch.get_default_dtype())

    @property
    def device(self) -> torch.device:
        """That of the parameters; the CPU if there are none."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> Any:
        """A state of zeros: each leaf `[batch_size, ...]`, of the cell's dtype and device."""
        zeros = torch.zeros(batch_size, 0, dtype=dtype or self.dtype, device=self.device)
        return zeros_of(self.state_size, zeros)

    def get_initial_state(
        self,
        inputs: Tensor | None = None,
        batch_size: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> Any:
        """The state to begin with when none is given: zeros, unless a cell says otherwise.

        Args:
            inputs: `[batch, ...]`; gives batch size and dtype.
            batch_size: needed without `inputs`.
            dtype: needed without `inputs`.

        Raises:
            ValueError: neither source gives both, or they contradict each other.
        """
        if inputs is not None:
            if batch_size not in (None, inputs.shape[0]):
                raise ValueError(
                    f"batch_size: expected {inputs.shape[0]}, as in inputs, found {batch_size}"
                )
            if dtype not in (None, inputs.dtype):
                raise ValueError(f"dtype: expected {inputs.dtype}, as in inputs, found {dtype}")
            batch_size, dtype = inputs.shape[0], inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError("expected either inputs or both batch_size and dtype")
        return self.zero_state(batch_size, dtype)


def zeros_of(size: Size, like: Tensor) -> Any:
    """Zeros of a (nested) size, with the rows, dtype and device of `like`."""
    if isinstance(size, int):
        return like.new_zeros(like.shape[0], size)
    if isinstance(size, torch.Size):
        return like.new_zeros(like.shape[0], *size)
    parts = [zeros_of(part, like) for part in size]
    return type(size)(*parts) if hasattr(size, "_fields") else type(size)(parts)


def take_step(cell: RNNCell, inputs: Any, state: Any, noise: Any) -> tuple[Any, Any]:
    """Calls a cell; only one that draws noise is given any."""
    result: tuple[Any, Any] = cell(inputs, state) if noise is None else cell(inputs, state, noise)
    return result


def as_cell(candidate: Any, *, argument: str = "cell") -> RNNCell:
    """`candidate`, if it is a cell.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(candidate, RNNCell):
        raise TypeError(f"{argument}: expected an RNNCell, found a {type(candidate).__name__}")
    return candidate


def as_tensor(value: Any, cell: RNNCell) -> Tensor:
    """`value` as a tensor; what is none yet goes to the cell's device."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        value = np.require(value, requirements="W")  # torch warns of memory it may not write
    return torch.as_tensor(value, device=cell.device)


def check_step_inputs(cell: RNNCell, inputs: Tensor, dtype: torch.dtype) -> None:
    """Checks the inputs of one step of a cell that takes `[batch, input_size]`.

    Args:
        cell: whose step it is.
        inputs: what it is given.
        dtype: of the cell's parameters.

    Raises:
        ValueError: wrong rank, width or dtype.
    """
    if inputs.ndim != 2 or inputs.shape[1] != cell.input_size:
        raise ValueError(
            f"{type(cell).__name__}: expected inputs of shape (batch, {cell.input_size}), "
            f"found {tuple(inputs.shape)}"
        )
    if inputs.dtype != dtype:
        raise ValueError(
            f"{type(cell).__name__}: expected inputs of {dtype}, as the parameters, "
            f"found {inputs.dtype}"
        )


def check_step_state(cell: RNNCell, state: Any, batch_size: int) -> None:
    """Checks the state of one step; what belongs to no row is not looked at.

    Raises:
        TypeError: wrong structure.
        ValueError: wrong shape. The message names the cell and the part.
    """
    _check_part(cell.state_size, state, batch_size, where=f"{type(cell).__name__}: state")


def _check_part(size: Size, part: Any, batch_size: int, *, where: str) -> None:
    if isinstance(size, tuple) and not isinstance(size, torch.Size):
        names = getattr(size, "_fields", [str(number) for number in range(len(size))])
        if not isinstance(part, tuple | list) or len(part) != len(size):
            found = f" of {len(part)}" if isinstance(part, tuple | list) else ""
            raise TypeError(
                f"{where}: expected {len(size)} parts ({', '.join(names)}), "
                f"found a {type(part).__name__}{found}"
            )
        for name, its_size, its_part in zip(names, size, part, strict=True):
            _check_part(its_size, its_part, batch_size, where=f"{where}.{name}")
        return
    if not isinstance(part, Tensor):
        raise TypeError(f"{where}: expected a tensor, found a {type(part).__name__}")
    shape = (batch_size, size) if isinstance(size, int) else (batch_size, *size)
    if part.ndim and part.shape != shape:
        raise ValueError(f"{where}: expected shape {shape}, found {tuple(part.shape)}")


def check_state(cell: RNNCell, state: Any, batch_size: int, *, argument: str) -> Any:
    """`state` as tensors in the containers of the cell's own state, if it fits.

    Raises:
        TypeError: wrong structure or dtype.
        ValueError: wrong shape. The message names the leaf.
    """
    return check_like(cell.zero_state(batch_size), state, cell, argument=argument)


def check_like(expected: Any, tree: Any, cell: RNNCell, *, argument: str) -> Any:
    """`tree` as tensors in the containers of `expected`, if it has its shapes and dtypes.

    Raises:
        TypeError: wrong structure or dtype.
        ValueError: wrong shape. The message names the leaf.
    """
    packed = _nest.map_structure(
        lambda leaf: as_tensor(leaf, cell), _nest.pack_as(expected, tree, name=argument)
    )
    wanted_leaves, found_leaves = _nest.leaves(expected), _nest.leaves(packed)
    for number, (wanted, found) in enumerate(zip(wanted_leaves, found_leaves, strict=True)):
        where = argument if len(wanted_leaves) == 1 else f"{argument}, leaf {number}"
        if found.shape != wanted.shape:
            raise ValueError(
                f"{where}: expected shape {tuple(wanted.shape)}, found {tuple(found.shape)}"
            )
        if found.dtype != wanted.dtype:
            raise TypeError(f"{where}: expected {wanted.dtype}, found {found.dtype}")
    return packed
