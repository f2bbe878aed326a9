"""Bad calls of cells and wrappers, by class and by the words that describe them."""

from collections.abc import Callable
from typing import Any

import torch

from varlen import rnn

from .cells import build


def spec(name: str, **kwargs: Any) -> dict[str, Any]:
    return {"class": name, "kwargs": kwargs}


LSTM, GRU = spec("LSTMCell", num_units=4), spec("GRUCell", num_units=4)


def made(
    described: dict[str, Any],
    width: int = 4,
    dtype: torch.dtype = torch.float32,
    inputs: tuple[int, ...] | None = None,
) -> Callable[[], Any]:
    """Builds a cell, and runs it over sequences of that width."""

    def run() -> Any:
        cell = build(described, width, dtype, {})
        return rnn.dynamic_rnn(cell, torch.zeros(2, 3, *(inputs or (width,)), dtype=dtype))

    return run


def lstm(*inputs_shape: int, dtype: torch.dtype = torch.float32) -> Callable[[], Any]:
    """A step of an LSTMCell for inputs of width 4."""
    cell = rnn.LSTMCell(4, 4)
    return lambda: cell(torch.zeros(inputs_shape, dtype=dtype), cell.zero_state(2))


def with_ints(name: str) -> Callable[[], Any]:
    def run() -> Any:
        cell = build(spec(name, num_units=4), 4, torch.float32, {})
        return cell(torch.zeros(2, 4, dtype=torch.int32), cell.zero_state(2))

    return run


def fused(lengths: Any = None, state: Any = None, **kwargs: Any) -> Callable[[], Any]:
    described = spec("LSTMBlockFusedCell", num_units=4)

    def run() -> Any:
        cell = build(described, 4, torch.float32, {})
        return cell(torch.zeros(3, 2, 4), state, sequence_length=lengths, **kwargs)

    return run


def dropout(**kwargs: Any) -> Callable[[], Any]:
    return made(spec("DropoutWrapper", cell=LSTM, **kwargs))


def not_a_cell(name: str, **kwargs: Any) -> Callable[[], Any]:
    check = spec(name, **kwargs)

    def run() -> Any:
        return build(check | {"kwargs": {"cell": torch.tanh, **kwargs}}, 4, torch.float32, {})

    return run


def depth_changes() -> Any:
    cell = rnn.GRUCell(4, 4)
    cell(torch.zeros(2, 4), cell.zero_state(2))
    return cell(torch.zeros(2, 5), cell.zero_state(2))


def out_of_range() -> Any:
    described = spec("EmbeddingWrapper", cell=GRU, embedding_classes=3, embedding_size=2)
    cell = build(described, 1, torch.float32, {})
    return rnn.dynamic_rnn(cell, torch.tensor([[[0], [3]]]))


ATTENTION = "AttentionCellWrapper"
GRID: dict[str, Any] = {"num_units": 4, "feature_size": 2, "frequency_skip": 1}
STATE = torch.ones(2, 4)

CALLS: dict[tuple[str, str], Callable[[], Any]] = {
    ("BasicRNNCell", "integer inputs"): with_ints("BasicRNNCell"),
    ("GRUCell", "integer inputs"): with_ints("GRUCell"),
    ("LSTMCell", "integer inputs"): with_ints("LSTMCell"),
    ("BasicLSTMCell", "integer inputs"): with_ints("BasicLSTMCell"),
    ("LSTMCell", "dtype=int32 in the constructor"): lambda: rnn.LSTMCell(4, 4, dtype=torch.int32),
    ("LSTMCell", "a rank 3 tensor given to one step"): lstm(2, 3, 4),
    ("LSTMCell", "a concatenated tensor as state although state_is_tuple"): (
        lambda: rnn.LSTMCell(4, 4)(torch.zeros(2, 4), torch.zeros(2, 8))
    ),
    ("GRUCell", "a built cell called with another input depth"): depth_changes,
    ("MultiRNNCell", "no cells"): made(spec("MultiRNNCell", cells=[])),
    ("MultiRNNCell", "a cell instead of a list"): lambda: rnn.MultiRNNCell(rnn.GRUCell(4, 4)),  # type: ignore[arg-type]
    ("MultiRNNCell", "state_is_tuple=False over a tuple-state cell"): made(
        spec("MultiRNNCell", cells=[LSTM], state_is_tuple=False)
    ),
    ("MultiRNNCell", "a tensor as state"): (
        lambda: rnn.MultiRNNCell([rnn.GRUCell(4, 4)])(torch.zeros(2, 4), torch.zeros(2, 4))
    ),
    ("DropoutWrapper", "input_keep_prob=1.5"): dropout(input_keep_prob=1.5),
    ("DropoutWrapper", "output_keep_prob=-0.1"): dropout(output_keep_prob=-0.1),
    ("DropoutWrapper", "state_keep_prob=2"): dropout(state_keep_prob=2.0),
    ("DropoutWrapper", "keep probability exactly 0"): dropout(input_keep_prob=0.0),
    ("DropoutWrapper", "wrapping something that is not a cell"): not_a_cell("DropoutWrapper"),
    ("DropoutWrapper", "dropout_state_filter_visitor not callable"): (
        lambda: rnn.DropoutWrapper(rnn.GRUCell(4, 4), dropout_state_filter_visitor=3)  # type: ignore[arg-type]
    ),
    ("ResidualWrapper", "input depth != output depth"): made(
        spec("ResidualWrapper", cell=GRU), width=3
    ),
    ("HighwayWrapper", "input depth != output depth"): made(
        spec("HighwayWrapper", cell=GRU), width=3
    ),
    (ATTENTION, "attn_length=0"): made(spec(ATTENTION, cell=GRU, attn_length=0)),
    (ATTENTION, "state_is_tuple=False over a tuple-state cell"): made(
        spec(ATTENTION, cell=LSTM, attn_length=2, state_is_tuple=False)
    ),
    (ATTENTION, "not a cell"): not_a_cell(ATTENTION, attn_length=2),
    ("EmbeddingWrapper", "embedding_classes=0"): made(
        spec("EmbeddingWrapper", cell=GRU, embedding_classes=0, embedding_size=2)
    ),
    ("EmbeddingWrapper", "embedding_size=-1"): made(
        spec("EmbeddingWrapper", cell=GRU, embedding_classes=3, embedding_size=-1)
    ),
    ("EmbeddingWrapper", "an id equal to embedding_classes"): out_of_range,
    ("OutputProjectionWrapper", "output_size=0"): made(
        spec("OutputProjectionWrapper", cell=GRU, output_size=0)
    ),
    ("GridLSTMCell", "num_frequency_blocks missing"): made(spec("GridLSTMCell", **GRID)),
    ("GridLSTMCell", "num_frequency_blocks does not match the input"): made(
        spec("GridLSTMCell", num_frequency_blocks=[2], **GRID)
    ),
    ("GridLSTMCell", "two blocks without start/end lists"): made(
        spec("GridLSTMCell", num_frequency_blocks=[1, 2], **GRID)
    ),
    ("GridLSTMCell", "start and end lists of different length"): made(
        spec(
            "GridLSTMCell",
            num_frequency_blocks=[1, 1],
            start_freqindex_list=[0, 2],
            end_freqindex_list=[2],
            **GRID,
        )
    ),
    ("ConvLSTMCell", "input_shape rank does not match conv_ndims"): made(
        spec("ConvLSTMCell", conv_ndims=2, input_shape=[5, 2], output_channels=2, kernel_shape=[3])
    ),
    ("GLSTMCell", "num_units not divisible by number_of_groups"): made(
        spec("GLSTMCell", num_units=5, number_of_groups=2)
    ),
    ("GLSTMCell", "num_proj not divisible by number_of_groups"): made(
        spec("GLSTMCell", num_units=4, num_proj=3, number_of_groups=2)
    ),
    ("GLSTMCell", "input depth not divisible by number_of_groups"): made(
        spec("GLSTMCell", num_units=4, number_of_groups=2), width=3
    ),
    ("IntersectionRNNCell", "input depth != num_units and no num_in_proj"): made(
        spec("IntersectionRNNCell", num_units=4), width=3
    ),
    ("GRUBlockCell", "neither num_units nor cell_size"): made(spec("GRUBlockCell")),
    ("GRUBlockCell", "both num_units and cell_size"): made(
        spec("GRUBlockCell", num_units=4, cell_size=4)
    ),
    ("CoupledInputForgetGateLSTMCell", "more shards than rows"): made(
        spec("CoupledInputForgetGateLSTMCell", num_units=4, num_unit_shards=9)
    ),
    ("NTMCell", "batch of one"): made(
        spec(
            "NTMCell",
            controller=LSTM,
            memory_size=5,
            memory_vector_dim=3,
            read_head_num=1,
            write_head_num=1,
            output_dim=2,
        )
    ),
    ("LSTMBlockFusedCell", "initial_state with three parts"): fused(state=(STATE,) * 3),
    ("LSTMBlockFusedCell", "a length larger than T"): fused([1, 4]),
    ("LSTMBlockFusedCell", "a negative length"): fused([-1, 2]),
}
"""Refused, or accepted, as TensorFlow does it."""

SOUND: dict[tuple[str, str], Callable[[], Any]] = {
    ("LSTMBlockCell", "float64 inputs"): made(
        spec("LSTMBlockCell", num_units=4), dtype=torch.float64
    ),
    ("GRUBlockCellV2", "float64 inputs"): made(
        spec("GRUBlockCellV2", num_units=4), dtype=torch.float64
    ),
    ("DropoutWrapper", "variational_recurrent without dtype"): dropout(
        variational_recurrent=True, input_keep_prob=0.5, input_size=4
    ),
    ("DropoutWrapper", "variational_recurrent with input_keep_prob < 1 and no input_size"): dropout(
        variational_recurrent=True, input_keep_prob=0.5
    ),
    ("TimeFreqLSTMCell", "several frequency steps with dynamic_rnn and zero state"): made(
        spec("TimeFreqLSTMCell", num_units=4, feature_size=2)
    ),
    ("ConvLSTMCell", "skip_connection over more than one step"): made(
        spec(
            "ConvLSTMCell",
            conv_ndims=1,
            input_shape=[4, 1],
            output_channels=2,
            kernel_shape=[3],
            skip_connection=True,
        ),
        inputs=(4, 1),
    ),
    ("NTMCell", "output_dim=None with dynamic_rnn"): made(
        spec(
            "NTMCell",
            controller=LSTM,
            memory_size=5,
            memory_vector_dim=3,
            read_head_num=1,
            write_head_num=1,
        )
    ),
    ("LSTMBlockFusedCell", "neither initial_state nor dtype"): fused(),
}
"""Refused by TensorFlow; here it works."""
