"""Products before and after a cell, and tables of vectors before it."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import RNNCell, as_cell, check_step_inputs
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    KernelAndBias,
    as_activation,
    check_positive,
    make_parameter,
)
from varlen.rnn.wrappers._around import AroundSteps, check_width, fit_around


class InputProjectionWrapper(AroundSteps):
    r"""Gives a cell a linear function of the inputs instead of the inputs.

    As in TensorFlow 1.

    Equations:
        $$\mathrm{output}_t, s_t = \mathrm{cell}(\phi(W x_t + b), s_{t-1})$$

    When to choose it: one product for cells that use their inputs more than once; a linear layer
    over all inputs before an unroll does the same.

    Args:
        input_size: width of the inputs.
        cell: what gets the projected inputs.
        num_proj: width of these, which is `cell.input_size`.
        activation: the function after the product or its name; None is none.

    Parameters: `kernel` `[input_size, num_proj]` and `bias` `[num_proj]`, and those of `cell` under
    `cell`.

    Raises:
        TypeError: not a cell.
        ValueError: a size below 1, or another width than the cell takes; an unknown activation.
    """

    def __init__(
        self,
        input_size: int,
        cell: RNNCell,
        num_proj: int,
        activation: str | Activation | None = None,
    ) -> None:
        super().__init__()
        fit_around(self, as_cell(cell))
        owner = type(self).__name__
        self.input_size = check_positive(input_size, argument=f"{owner}: input_size")
        check_positive(num_proj, argument=f"{owner}: num_proj")
        _check_fits(self, num_proj, argument="num_proj")
        self.activation = _activation(self, activation)
        self.kernel, self.bias = _make_linear(cell, input_size, num_proj)

    def before(self, inputs: Any, noise: Any) -> Any:
        check_step_inputs(self, inputs, self.kernel.dtype)
        return self.activation(inputs @ self.kernel + self.bias)


class OutputProjectionWrapper(AroundSteps):
    r"""Gives a linear function of the outputs of a cell instead of the outputs.

    As in TensorFlow 1. The state is not projected.

    Equations:
        $$y_t, s_t = \mathrm{cell}(x_t, s_{t-1})$$
        $$\mathrm{output}_t = \phi(W y_t + b)$$

    When to choose it: a cell whose outputs shall have the width of the next layer; a linear layer
    over all outputs after an unroll does the same, and `LSTMCell` has a projection inside its loop.

    Args:
        cell: whose outputs are projected.
        output_size: width of the outputs.
        activation: the function after the product or its name; None is none.

    Parameters: `kernel` `[n, output_size]` and `bias` `[output_size]`, and those of `cell` under
    `cell`.

    Raises:
        TypeError: not a cell.
        ValueError: a size below 1, or a cell whose outputs are no `[batch, n]`; an unknown
            activation.
    """

    def __init__(
        self,
        cell: RNNCell,
        output_size: int,
        activation: str | Activation | None = None,
    ) -> None:
        super().__init__()
        fit_around(self, as_cell(cell))
        width = check_width(self, cell.output_size, argument="outputs")
        self.output_size = check_positive(
            output_size, argument=f"{type(self).__name__}: output_size"
        )
        self.activation = _activation(self, activation)
        self.kernel, self.bias = _make_linear(cell, width, output_size)

    def after(self, inputs: Any, outputs: Any, noise: Any) -> Any:
        return self.activation(outputs @ self.kernel + self.bias)


class EmbeddingWrapper(AroundSteps):
    r"""Gives a cell a vector for each id that comes in.

    As in TensorFlow 1.

    Equations:
        $$\mathrm{output}_t, s_t = \mathrm{cell}(E_{x_t}, s_{t-1})$$

    When to choose it: code or variables of a model that has it; else look all ids up before the
    unroll with `torch.nn.Embedding`.

    Args:
        cell: what gets the vectors.
        embedding_classes: how many ids there are.
        embedding_size: width of the vectors, which is `cell.input_size`.
        initializer: fills the table; None is uniform from `-sqrt(3)` to `sqrt(3)`.

    Inputs are ids from 0 to `embedding_classes - 1`, of any integer type, `[batch, 1]` or `[batch]`
    in a step. Whatever stands in the padding of an unroll is not looked at.

    Parameters: `embedding` `[embedding_classes, embedding_size]`, and those of `cell` under `cell`.

    Raises:
        TypeError: not a cell.
        ValueError: a size below 1, or another width than the cell takes.
    """

    def __init__(
        self,
        cell: RNNCell,
        embedding_classes: int,
        embedding_size: int,
        initializer: Initializer | None = None,
    ) -> None:
        super().__init__()
        fit_around(self, as_cell(cell))
        owner = type(self).__name__
        check_positive(embedding_classes, argument=f"{owner}: embedding_classes")
        check_positive(embedding_size, argument=f"{owner}: embedding_size")
        _check_fits(self, embedding_size, argument="embedding_size")
        self.input_size = 1
        self.embedding = make_parameter(
            embedding_classes,
            embedding_size,
            initializer=initializer or _uniform_of_unit_variance,
            dtype=cell.dtype,
            device=cell.device,
        )

    def before(self, inputs: Any, noise: Any) -> Any:
        ids = inputs.squeeze(1) if inputs.ndim == 2 and inputs.shape[1] == 1 else inputs
        num_classes = len(self.embedding)
        if ids.ndim != 1:
            raise ValueError(
                "EmbeddingWrapper: expected ids of shape (batch,) or (batch, 1) in a step, found "
                f"{tuple(inputs.shape)}"
            )
        if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
            raise TypeError(f"EmbeddingWrapper: expected ids of an integer type, found {ids.dtype}")
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < num_classes:
            wrong = ids[(ids < 0) | (ids >= num_classes)][0]
            raise ValueError(
                f"EmbeddingWrapper: expected ids from 0 to {num_classes - 1}, found {int(wrong)}"
            )
        return nn.functional.embedding(ids.long(), self.embedding)


def _uniform_of_unit_variance(table: Tensor) -> Tensor:
    return nn.init.uniform_(table, -(3**0.5), 3**0.5)


def _check_fits(wrapper: AroundSteps, width: int, *, argument: str) -> None:
    wanted = wrapper.cell.input_size
    if wanted != width:
        raise ValueError(
            f"{type(wrapper).__name__}: {argument}: expected {wanted}, the input_size of the cell, "
            f"found {width}"
        )


def _activation(wrapper: AroundSteps, activation: str | Activation | None) -> Activation:
    argument = f"{type(wrapper).__name__}: activation"
    return as_activation("identity" if activation is None else activation, argument=argument)


def _make_linear(
    cell: RNNCell, input_size: int, output_size: int
) -> tuple[nn.Parameter, nn.Parameter]:
    """A kernel and a bias, of the dtype and device of `cell`."""
    linear = KernelAndBias(input_size, output_size, dtype=cell.dtype, device=cell.device)
    return linear.kernel, linear.bias
