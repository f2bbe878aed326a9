"""TensorFlow's fused interface: modules that are called on whole sequences, time first."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import RNNCell, as_cell, as_tensor
from varlen.rnn.unroll._axes import reverse_sequence
from varlen.rnn.unroll._dynamic import dynamic_rnn
from varlen.rnn.unroll._steps import stack_steps, unstack_steps
from varlen.rnn.wrappers._place import keep_place_of_inner


def run_fused(
    cell: RNNCell,
    inputs: Any,
    initial_state: Any,
    dtype: torch.dtype | None,
    sequence_length: Any,
) -> tuple[Any, Any]:
    """`dynamic_rnn` over `[time, batch, ...]`, or over a list of steps, which gives a list."""
    in_steps = isinstance(inputs, list | tuple)
    outputs, state = dynamic_rnn(
        cell,
        stack_steps(cell, inputs) if in_steps else inputs,
        sequence_length,
        initial_state,
        dtype,
        time_major=True,
    )
    return unstack_steps(outputs) if in_steps else outputs, state


class FusedRNNCellAdaptor(nn.Module):
    r"""Lets any cell be called on whole sequences, time first, as `LSTMBlockFusedCell` is.

    As in TensorFlow 1.

    Equations:
        $$y_t, s_t = \mathrm{cell}(x_t, s_{t-1}), \quad t = 1, \ldots, T$$

    When to choose it: code that is written for the fused interface; else call `dynamic_rnn`.

    Args:
        cell: any cell.
        use_dynamic_rnn: TensorFlow unrolled with `dynamic_rnn` or with `static_rnn`. Here these are
            one, and it makes no difference.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: not a cell.
    """

    def __init__(self, cell: RNNCell, use_dynamic_rnn: bool = False) -> None:
        super().__init__()
        self.cell = as_cell(cell)
        self.use_dynamic_rnn = use_dynamic_rnn
        keep_place_of_inner(self)

    def forward(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: torch.dtype | None = None,
        sequence_length: Any = None,
    ) -> tuple[Any, Any]:
        """Runs the cell along time, each row to its own length.

        Args:
            inputs: `[time, batch, ...]`, or a list of `time` steps `[batch, ...]`.
            initial_state: as `cell.state_size` says, each leaf `[batch, ...]`; None asks the cell.
            dtype: not needed, the parameters have one; checked if given.
            sequence_length: `[batch]`, the real steps of each row; None means that all are real.

        Returns:
            `(outputs, final_state)`, the outputs `[time, batch, ...]`, or a list as the inputs are;
            they are 0 past the length of a row.

        Raises:
            TypeError: lengths that are not integers; a state of another structure.
            ValueError: shapes or dtypes that do not fit; a length out of range.
        """
        return run_fused(self.cell, inputs, initial_state, dtype, sequence_length)


class TimeReversedFusedRNN(nn.Module):
    r"""Runs a fused module from the last real step of each row to the first.

    As in TensorFlow 1, but a list of steps is reversed by the lengths too, as a tensor is.

    Equations:
        $$y_t, s_t = \mathrm{cell}(x_t, s_{t+1}), \quad t = T, \ldots, 1$$

    When to choose it: the backward half of a bidirectional network that is written for the fused
    interface; else call `bidirectional_dynamic_rnn`.

    Args:
        cell: a module with the fused interface, as `LSTMBlockFusedCell` or `FusedRNNCellAdaptor`.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: not a module, or a cell, which takes one step.
    """

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        if isinstance(cell, RNNCell) or _cell_within(cell) is None:
            raise TypeError(
                "TimeReversedFusedRNN: cell: expected a module around a cell that is called on "
                f"whole sequences, found a {type(cell).__name__}\n  FusedRNNCellAdaptor makes one "
                "of a cell"
            )
        self.cell = cell
        keep_place_of_inner(self)

    def forward(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: torch.dtype | None = None,
        sequence_length: Any = None,
    ) -> tuple[Any, Any]:
        """Runs it along time, backwards; takes and gives what the module within does.

        The outputs are in the order of the inputs, and the state is the one after the first step.

        Raises:
            TypeError, ValueError: as the module within.
        """
        in_steps = isinstance(inputs, list | tuple)
        cell = _cell_within(self.cell)
        assert cell is not None
        block = stack_steps(cell, inputs) if in_steps else as_tensor(inputs, cell)
        outputs, state = self.cell(
            _reverse(block, sequence_length), initial_state, dtype, sequence_length
        )
        outputs = _reverse(outputs, sequence_length)
        return unstack_steps(outputs) if in_steps else outputs, state


def _cell_within(module: Any) -> RNNCell | None:
    modules = module.modules() if isinstance(module, nn.Module) else ()
    return next((inner for inner in modules if isinstance(inner, RNNCell)), None)


def _reverse(block: Tensor, sequence_length: Any) -> Tensor:
    if sequence_length is None:
        return block.flip(0)
    return reverse_sequence(block, sequence_length, seq_axis=0, batch_axis=1)
