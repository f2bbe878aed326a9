"""The LSTM whose products are convolutions."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlen.rnn._cell import LSTMStateTuple, RNNCell, check_step_state
from varlen.rnn._parameters import Initializer, check_positive, make_parameter
from varlen.rnn.cells._lstm_base import lstm_memory

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


class _ConvLSTM(RNNCell):
    """A convolutional LSTM; what its subclasses differ in is how many axes of space it has."""

    conv_ndims: ClassVar[int]

    def __init__(
        self,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: Sequence[int],
        *,
        use_bias: bool = True,
        skip_connection: bool = False,
        forget_bias: float = 1.0,
        initializers: Initializer | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        cell = type(self).__name__
        _check_sizes(input_shape, self.conv_ndims + 1, argument=f"{cell}: input_shape")
        _check_sizes(kernel_shape, self.conv_ndims, argument=f"{cell}: kernel_shape")
        check_positive(output_channels, argument=f"{cell}: output_channels")
        *space, input_channels = input_shape
        all_channels = input_channels + output_channels
        state_size = torch.Size([*space, output_channels])
        self.input_size = torch.Size(input_shape)
        self.state_size = LSTMStateTuple(state_size, state_size)
        self.output_size = torch.Size([*space, all_channels]) if skip_connection else state_size
        self.skip_connection = skip_connection
        self.forget_bias = forget_bias
        self.name = name
        self.kernel = make_parameter(
            *kernel_shape,
            all_channels,
            4 * output_channels,
            initializer=initializers,
            dtype=dtype,
            device=device,
        )
        self.biases = None
        if use_bias:
            self.biases = make_parameter(
                4 * output_channels, initializer=nn.init.zeros_, dtype=dtype, device=device
            )

    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        if inputs.shape[1:] != self.input_size:
            raise ValueError(
                f"{type(self).__name__}: expected inputs of shape (batch, "
                f"{', '.join(map(str, self.input_size))}), found {tuple(inputs.shape)}"
            )
        check_step_state(self, state, len(inputs))
        c, h = state
        gates = self._convolve(torch.cat([inputs, h], dim=-1))
        write, candidate, forget, output = gates.chunk(4, dim=-1)
        c = lstm_memory(c, write, torch.tanh(candidate), forget + self.forget_bias)
        h = torch.sigmoid(output) * torch.tanh(c)
        outputs = torch.cat([h, inputs], dim=-1) if self.skip_connection else h
        return outputs, LSTMStateTuple(c, h)

    def _convolve(self, values: Tensor) -> Tensor:
        """The cross-correlation along space with zeros around, `[batch, ..., channels]`."""
        widths = reversed(self.kernel.shape[:-2])  # torch pads the last axis first
        padding = [size for width in widths for size in ((width - 1) // 2, width // 2)]
        channels_first = F.pad(values.movedim(-1, 1), padding)
        weight = self.kernel.movedim((-1, -2), (0, 1))
        convolve = _CONVOLUTIONS[len(weight.shape) - 2]
        return convolve(channels_first, weight, self.biases).movedim(1, -1)


def _check_sizes(sizes: Sequence[int], count: int, *, argument: str) -> None:
    if isinstance(sizes, int) or len(sizes) != count:
        raise ValueError(f"{argument}: expected {count} sizes, found {sizes}")
    for size in sizes:
        check_positive(size, argument=argument)


class ConvLSTMCell(_ConvLSTM):
    r"""The convolutional LSTM of Shi et al. (2015, arXiv:1506.04214), without peepholes.

    States and outputs are fields in space with channels, `[batch, ..., channels]`, and the gates
    of a place see the inputs and outputs around it.

    Equations:
        $$[i, j, f, o] = W * [x_t; h_{t-1}] + b$$
        $$c_t = \sigma(f + b_f) \odot c_{t-1} + \sigma(i) \odot \tanh(j)$$
        $$h_t = \sigma(o) \odot \tanh(c_t)$$

    When to choose it: sequences of images, maps or other fields, such as radar or video.

    Args:
        conv_ndims: how many axes of space: 1, 2 or 3.
        input_shape: of a step: the sizes of space, then the channels.
        output_channels: of state and output.
        kernel_shape: of the convolution, a size per axis of space. It has stride 1 and zeros
            around: for a width w, `(w - 1) // 2` before and the rest after.
        use_bias: whether there is one.
        skip_connection: the output is `h` and behind it the inputs, `[..., output_channels +
            channels]`. (TensorFlow made this the state as well, which no second step could take.)
        forget_bias: added to the forget gate at every step; it is not stored in `biases`.
        initializers: fills the kernel (TensorFlow ignored it); None is Glorot uniform.
        name: the scope of its variables in a TensorFlow checkpoint; None is `conv_lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[*kernel_shape, channels + output_channels, 4 * output_channels]` (input,
    candidate, forget, output) and, with `use_bias`, `biases` `[4 * output_channels]`.

    Raises:
        ValueError: shapes that do not have `conv_ndims` axes of space.
    """

    conv_ndims: int  # type: ignore[misc]

    def __init__(
        self,
        conv_ndims: int,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: Sequence[int],
        *,
        use_bias: bool = True,
        skip_connection: bool = False,
        forget_bias: float = 1.0,
        initializers: Initializer | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if conv_ndims not in _CONVOLUTIONS:
            raise ValueError(f"ConvLSTMCell: conv_ndims: expected 1, 2 or 3, found {conv_ndims!r}")
        self.conv_ndims = conv_ndims
        super().__init__(
            input_shape,
            output_channels,
            kernel_shape,
            use_bias=use_bias,
            skip_connection=skip_connection,
            forget_bias=forget_bias,
            initializers=initializers,
            name=name,
            dtype=dtype,
            device=device,
        )


class Conv1DLSTMCell(_ConvLSTM):
    r"""The convolutional LSTM of Shi et al. (2015, arXiv:1506.04214) along one axis of space.

    It is a `ConvLSTMCell`, under TensorFlow's name for it.

    Equations:
        $$[i, j, f, o] = W * [x_t; h_{t-1}] + b$$
        $$c_t = \sigma(f + b_f) \odot c_{t-1} + \sigma(i) \odot \tanh(j)$$
        $$h_t = \sigma(o) \odot \tanh(c_t)$$

    When to choose it: sequences of spectra or of readings from a line of sensors.

    Its arguments and parameters are those of `ConvLSTMCell` without `conv_ndims`.
    """

    conv_ndims = 1


class Conv2DLSTMCell(_ConvLSTM):
    r"""The convolutional LSTM of Shi et al. (2015, arXiv:1506.04214) along two axes of space.

    It is a `ConvLSTMCell`, under TensorFlow's name for it.

    Equations:
        $$[i, j, f, o] = W * [x_t; h_{t-1}] + b$$
        $$c_t = \sigma(f + b_f) \odot c_{t-1} + \sigma(i) \odot \tanh(j)$$
        $$h_t = \sigma(o) \odot \tanh(c_t)$$

    When to choose it: video, radar and maps that change.

    Its arguments and parameters are those of `ConvLSTMCell` without `conv_ndims`.
    """

    conv_ndims = 2


class Conv3DLSTMCell(_ConvLSTM):
    r"""The convolutional LSTM of Shi et al. (2015, arXiv:1506.04214) along three axes of space.

    It is a `ConvLSTMCell`, under TensorFlow's name for it.

    Equations:
        $$[i, j, f, o] = W * [x_t; h_{t-1}] + b$$
        $$c_t = \sigma(f + b_f) \odot c_{t-1} + \sigma(i) \odot \tanh(j)$$
        $$h_t = \sigma(o) \odot \tanh(c_t)$$

    When to choose it: volumes that change, as in tomography.

    Its arguments and parameters are those of `ConvLSTMCell` without `conv_ndims`.
    """

    conv_ndims = 3
