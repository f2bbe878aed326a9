"""What cells share whose gates are all fed by inputs and state, with one matrix and one bias."""

import torch
from torch import nn

from varlen.rnn._parameters import Initializer, make_parameter
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes


class OneKernelCell(RecurrentCell):
    """A cell with `kernel` `[input_size + num_units, gates * num_units]` and `bias`.

    The state is one tensor, which is the output, unless a subclass says otherwise.
    """

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        kernel_initializer: Initializer | None,
        dtype: torch.dtype | None,
        device: torch.device | str | None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        columns = num_units * len(self.gate_names)
        self.kernel = make_parameter(
            input_size + num_units,
            columns,
            initializer=kernel_initializer,
            dtype=dtype,
            device=device,
        )
        self.bias = make_parameter(columns, initializer=nn.init.zeros_, dtype=dtype, device=device)

    def products(self) -> Products:
        of_inputs, of_state = torch.split(self.kernel, [self.input_size, self.num_units])
        return Products(of_inputs, of_state, self.bias)
