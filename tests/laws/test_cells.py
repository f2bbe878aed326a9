"""Every public cell is held to the laws, at random lengths and with anything in the padding."""

import math
import pickle
from inspect import isabstract

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

import varlen
from varlen import (
    AttentionCellWrapper,
    BasicLSTMCell,
    BasicRNNCell,
    BidirectionalGridLSTMCell,
    CFNCell,
    Conv1DLSTMCell,
    Conv2DLSTMCell,
    Conv3DLSTMCell,
    ConvLSTMCell,
    CoupledInputForgetGateLSTMCell,
    CudnnCompatibleGRUCell,
    CudnnCompatibleLSTMCell,
    DeviceWrapper,
    DropoutWrapper,
    EmbeddingWrapper,
    GLSTMCell,
    GridLSTMCell,
    GRUBlockCell,
    GRUBlockCellV2,
    GRUCell,
    HighwayWrapper,
    IndRNNCell,
    IndyGRUCell,
    IndyLSTMCell,
    InputProjectionWrapper,
    IntersectionRNNCell,
    JANETCell,
    LayerNormBasicLSTMCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormRNNCell,
    LSTMBlockCell,
    LSTMCell,
    LSTMStateTuple,
    MinGRUCell,
    MinimalRNNCell,
    MinLSTMCell,
    MultiplicativeLSTMCell,
    MultiRNNCell,
    NASCell,
    NTMCell,
    OutputProjectionWrapper,
    PhasedLSTMCell,
    RecurrentDropoutWrapper,
    ResidualWrapper,
    RNNCell,
    SLSTMCell,
    SRUCell,
    TimeFreqLSTMCell,
    UGRNNCell,
    WeightDropWrapper,
    WeightNormLSTMCell,
    ZoneoutWrapper,
    testing,
    tf1,
)
from varlen.tf1._scopes import SCOPES

float64 = torch.float64


def dropped(cell, **kwargs):
    return DropoutWrapper(cell, 0.6, 0.7, 0.8, **kwargs)


def ntm(*args):
    """One whose memory does not begin at 1e-6, where finite differences see nothing."""
    cell = NTMCell(*args)
    torch.nn.init.normal_(cell.memory)
    return cell


CELLS = {
    "BasicRNNCell": lambda: BasicRNNCell(3, 4, dtype=float64),
    "GRUCell": lambda: GRUCell(3, 4, dtype=float64),
    "BasicLSTMCell": lambda: BasicLSTMCell(3, 4, dtype=float64),
    "BasicLSTMCell, joined state": lambda: BasicLSTMCell(3, 4, state_is_tuple=False, dtype=float64),
    "LSTMCell": lambda: LSTMCell(3, 4, dtype=float64),
    "LSTMCell, everything": lambda: LSTMCell(
        3, 5, use_peepholes=True, cell_clip=0.7, num_proj=2, proj_clip=0.3, dtype=float64
    ),
    "CoupledInputForgetGateLSTMCell": lambda: CoupledInputForgetGateLSTMCell(3, 4, dtype=float64),
    "CoupledInputForgetGateLSTMCell, everything": lambda: CoupledInputForgetGateLSTMCell(
        3,
        5,
        use_peepholes=True,
        num_proj=2,
        proj_clip=0.3,
        num_unit_shards=2,
        num_proj_shards=3,
        layer_norm=True,
        dtype=float64,
    ),
    "UGRNNCell": lambda: UGRNNCell(3, 4, dtype=float64),
    "NASCell": lambda: NASCell(3, 4, dtype=float64),
    "NASCell, everything": lambda: NASCell(3, 5, num_proj=2, use_bias=True, dtype=float64),
    "LSTMBlockCell": lambda: LSTMBlockCell(3, 4, use_peephole=True, dtype=float64),
    "LSTMBlockCell, clipped": lambda: LSTMBlockCell(3, 4, cell_clip=0.3, dtype=float64),
    "GRUBlockCell": lambda: GRUBlockCell(3, 4, dtype=float64),
    "GRUBlockCellV2": lambda: GRUBlockCellV2(3, cell_size=4, dtype=float64),
    "CudnnCompatibleLSTMCell": lambda: CudnnCompatibleLSTMCell(3, 4, dtype=float64),
    "CudnnCompatibleGRUCell": lambda: CudnnCompatibleGRUCell(3, 4, dtype=float64),
    "LayerNormBasicLSTMCell": lambda: LayerNormBasicLSTMCell(3, 4, dtype=float64),
    "LayerNormBasicLSTMCell, dropout": lambda: LayerNormBasicLSTMCell(
        3, 4, dropout_keep_prob=0.6, dtype=float64
    ),
    "LayerNormBasicLSTMCell, bias": lambda: LayerNormBasicLSTMCell(
        3, 4, layer_norm=False, dropout_keep_prob=0.6, dtype=float64
    ),
    "LayerNormLSTMCell": lambda: LayerNormLSTMCell(3, 4, dtype=float64),
    "LayerNormLSTMCell, everything": lambda: LayerNormLSTMCell(
        3,
        5,
        use_peepholes=True,
        cell_clip=0.7,
        num_proj=2,
        proj_clip=0.3,
        layer_norm=True,
        dtype=float64,
    ),
    "WeightNormLSTMCell": lambda: WeightNormLSTMCell(3, 4, dtype=float64),
    "WeightNormLSTMCell, everything": lambda: WeightNormLSTMCell(
        3, 5, use_peepholes=True, cell_clip=0.7, num_proj=2, proj_clip=0.3, dtype=float64
    ),
    "IntersectionRNNCell": lambda: IntersectionRNNCell(3, 3, dtype=float64),
    "IntersectionRNNCell, mapped inputs": lambda: IntersectionRNNCell(
        3, 4, num_in_proj=4, dtype=float64
    ),
    "PhasedLSTMCell": lambda: PhasedLSTMCell(3, 4, dtype=float64),
    "PhasedLSTMCell, everything": lambda: PhasedLSTMCell(
        3,
        4,
        use_peepholes=True,
        ratio_on=0.6,
        trainable_ratio_on=False,
        period_init_max=3.0,
        dtype=float64,
    ),
    "SRUCell": lambda: SRUCell(3, 4, dtype=float64),
    "IndRNNCell": lambda: IndRNNCell(3, 4, dtype=float64),
    "IndyGRUCell": lambda: IndyGRUCell(3, 4, dtype=float64),
    "IndyLSTMCell": lambda: IndyLSTMCell(3, 4, dtype=float64),
    "MinimalRNNCell": lambda: MinimalRNNCell(3, 4, dtype=float64),
    "CFNCell": lambda: CFNCell(3, 4, dtype=float64),
    "GLSTMCell": lambda: GLSTMCell(4, 6, num_proj=2, number_of_groups=2, dtype=float64),
    "TimeFreqLSTMCell": lambda: TimeFreqLSTMCell(
        5, 2, use_peepholes=True, cell_clip=0.7, feature_size=3, dtype=float64
    ),
    "GridLSTMCell": lambda: GridLSTMCell(
        5, 2, feature_size=3, num_frequency_blocks=[3], dtype=float64
    ),
    "GridLSTMCell, everything": lambda: GridLSTMCell(
        5,
        2,
        use_peepholes=True,
        cell_clip=0.7,
        feature_size=2,
        num_frequency_blocks=[2, 1],
        start_freqindex_list=[0, 3],
        end_freqindex_list=[3, 5],
        state_is_tuple=False,
        dtype=float64,
    ),
    "BidirectionalGridLSTMCell": lambda: BidirectionalGridLSTMCell(
        4,
        2,
        feature_size=2,
        frequency_skip=2,
        num_frequency_blocks=[2],
        couple_input_forget_gates=True,
        share_time_frequency_weights=True,
        backward_slice_offset=1,
        dtype=float64,
    ),
    "ConvLSTMCell": lambda: ConvLSTMCell(1, [4, 1], 2, [2], skip_connection=True, dtype=float64),
    "Conv1DLSTMCell": lambda: Conv1DLSTMCell([4, 1], 2, [3], dtype=float64),
    "Conv2DLSTMCell": lambda: Conv2DLSTMCell([2, 3, 1], 1, [2, 3], dtype=float64),
    "Conv3DLSTMCell": lambda: Conv3DLSTMCell([2, 1, 2, 1], 1, [1, 2, 3], dtype=float64),
    "NTMCell": lambda: ntm(LSTMCell(4, 3, dtype=float64), 3, 2, 1, 1),
    "NTMCell, two heads": lambda: ntm(dropped(GRUCell(6, 3, dtype=float64)), 3, 2, 2, 1),
    "JANETCell": lambda: JANETCell(3, 4, dtype=float64),
    "LayerNormGRUCell": lambda: LayerNormGRUCell(3, 4, dtype=float64),
    "LayerNormRNNCell": lambda: LayerNormRNNCell(3, 4, dtype=float64),
    "MinGRUCell": lambda: MinGRUCell(3, 4, dtype=float64),
    "MinLSTMCell": lambda: MinLSTMCell(3, 4, dtype=float64),
    "MultiplicativeLSTMCell": lambda: MultiplicativeLSTMCell(3, 4, dtype=float64),
    "SLSTMCell": lambda: SLSTMCell(3, 4, dtype=float64),
    "SLSTMCell, exponential": lambda: SLSTMCell(3, 4, exponential_forget=True, dtype=float64),
    "MultiRNNCell": lambda: MultiRNNCell(
        [LSTMCell(3, 4, dtype=float64), GRUCell(4, 2, dtype=float64)]
    ),
    "MultiRNNCell, joined state": lambda: MultiRNNCell(
        [BasicRNNCell(3, 4, dtype=float64), GRUCell(4, 2, dtype=float64)], state_is_tuple=False
    ),
    "RecurrentDropoutWrapper": lambda: RecurrentDropoutWrapper(LSTMCell(3, 4, dtype=float64), 0.6),
    "RecurrentDropoutWrapper in a stack": lambda: MultiRNNCell(
        [
            RecurrentDropoutWrapper(GRUCell(3, 4, dtype=float64), 0.6),
            RecurrentDropoutWrapper(UGRNNCell(4, 2, dtype=float64), 0.6),
        ]
    ),
    "WeightDropWrapper": lambda: WeightDropWrapper(LSTMCell(3, 4, dtype=float64), 0.6),
    "WeightDropWrapper in dropout": lambda: dropped(
        WeightDropWrapper(GRUCell(3, 4, dtype=float64), 0.6)
    ),
    "ZoneoutWrapper": lambda: ZoneoutWrapper(
        LSTMCell(3, 4, dtype=float64), LSTMStateTuple(0.5, 0.2)
    ),
    "ZoneoutWrapper, evaluation": lambda: ZoneoutWrapper(GRUCell(3, 4, dtype=float64), 0.3).eval(),
    "AttentionCellWrapper": lambda: AttentionCellWrapper(3, LSTMCell(2, 4, dtype=float64), 3),
    "AttentionCellWrapper, joined state": lambda: AttentionCellWrapper(
        3, GRUCell(2, 4, dtype=float64), 2, 3, 2, state_is_tuple=False
    ),
    "DeviceWrapper": lambda: DeviceWrapper(GRUCell(3, 4, dtype=float64), "/cpu:0"),
    "EmbeddingWrapper": lambda: EmbeddingWrapper(LSTMCell(3, 4, dtype=float64), 5, 3),
    "HighwayWrapper": lambda: HighwayWrapper(GRUCell(3, 3, dtype=float64)),
    "HighwayWrapper, uncoupled": lambda: HighwayWrapper(
        LSTMCell(3, 3, dtype=float64), couple_carry_transform_gates=False
    ),
    "InputProjectionWrapper": lambda: InputProjectionWrapper(
        3, LSTMCell(2, 4, dtype=float64), 2, "tanh"
    ),
    "OutputProjectionWrapper": lambda: OutputProjectionWrapper(LSTMCell(3, 4, dtype=float64), 2),
    "ResidualWrapper": lambda: ResidualWrapper(LSTMCell(3, 3, dtype=float64)),
    "ResidualWrapper in a stack": lambda: MultiRNNCell(
        [
            ResidualWrapper(dropped(LSTMCell(3, 3, dtype=float64))),
            dropped(ResidualWrapper(SRUCell(3, 3, dtype=float64))),
        ]
    ),
    "DropoutWrapper": lambda: dropped(LSTMCell(3, 4, dtype=float64)),
    "DropoutWrapper, per sequence": lambda: dropped(
        LSTMCell(3, 4, dtype=float64), variational_recurrent=True, mask_per_sequence=True
    ),
    "DropoutWrapper, variational": lambda: dropped(
        GRUCell(3, 4, dtype=float64), variational_recurrent=True
    ),
    "DropoutWrapper in a stack": lambda: MultiRNNCell(
        [dropped(LSTMCell(3, 4, dtype=float64)), dropped(GRUCell(4, 2, dtype=float64))]
    ),
}

INPUTS = {"EmbeddingWrapper": lambda n: torch.randint(5, (n, 1))}
"""The inputs of a row of so many steps, for cells that do not take every number."""

GRADIENTS_OF_TENSORFLOW = {
    "LSTMBlockCell, clipped": "Q5: the gradient of the clipping is the identity",
    "PhasedLSTMCell": "Q8: the gradient of the remainder by the period is left out",
    "PhasedLSTMCell, everything": "Q8",
}
"""Cells whose gradients are not the true ones, since those of TensorFlow are not."""

lengths_of_a_batch = st.lists(st.integers(0, 7), min_size=1, max_size=6)
every_cell = pytest.mark.parametrize("make", CELLS.values(), ids=CELLS)


def test_no_public_cell_is_forgotten():
    def cells_of(module):
        found = {name: getattr(module, name) for name in module.__all__}
        return {
            name
            for name, value in found.items()
            if isinstance(value, type) and issubclass(value, RNNCell) and not isabstract(value)
        }

    held = {key.split(",")[0].split(" in ")[0] for key in CELLS}
    assert cells_of(varlen) == cells_of(varlen.cells) == cells_of(varlen.rnn) == held


@pytest.mark.parametrize("key", CELLS)
def test_check_cell(key):
    testing.check_cell(
        CELLS[key],
        make_inputs=INPUTS.get(key),
        true_gradients=key not in GRADIENTS_OF_TENSORFLOW,
    )


@pytest.mark.parametrize("key", GRADIENTS_OF_TENSORFLOW)
def test_what_is_left_out_of_the_law_of_gradients_breaks_it(key):
    torch.manual_seed(0)
    with pytest.raises(AssertionError, match="gradients are true"):
        testing.check_gradients(CELLS[key](), (2, 0, 3))


@pytest.mark.parametrize("key", CELLS)
@settings(max_examples=5, deadline=None)
@given(
    lengths=lengths_of_a_batch,
    fill=st.sampled_from([0.0, 1e30, math.inf, math.nan]),
    seed=st.integers(0, 2**31),
)
def test_laws_at_random_lengths(key, lengths, fill, seed):
    torch.manual_seed(seed)
    cell, make_inputs = CELLS[key](), INPUTS.get(key)
    testing.check_padding_is_invisible(cell, lengths, fill, make_inputs=make_inputs)
    testing.check_rows_are_alone(cell, lengths, make_inputs=make_inputs)
    testing.check_order_is_free(cell, lengths, make_inputs=make_inputs)
    testing.check_halves_make_a_whole(cell, lengths, make_inputs=make_inputs)


@every_cell
def test_variables_of_tensorflow_go_out_and_in_again(make):
    cell, other = make(), make()
    if type(cell) not in SCOPES:
        with pytest.raises(TypeError, match="expected a cell that TensorFlow 1 has"):
            tf1.variables_of(cell)
        return
    variables = tf1.variables_of(cell, "enc/rnn")
    assert len(variables) == len(list(cell.state_dict()))
    assert all(name.startswith("enc/rnn/") for name in variables)
    tf1.load_variables(other, variables, "enc/rnn")
    for name, tensor in cell.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


class WeightsOfTime(RNNCell):
    """Takes a pair: how much each step counts, and what it is."""

    input_size, state_size, output_size = (1, 3), 2, 2

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(5, 2, dtype=float64))

    def forward(self, inputs, state):
        time, x = inputs
        state = torch.tanh(torch.cat([x, state], -1) @ self.weight) * torch.sigmoid(time)
        return state, state


class SumsOfPictures(RNNCell):
    input_size = output_size = torch.Size([2, 3])
    state_size = (torch.Size([2, 3]),)

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(2, 3, dtype=float64))

    def forward(self, inputs, state):
        state = torch.tanh(inputs * self.weight + state[0])
        return state, (state,)


class SumsOfWords(RNNCell):
    input_size, state_size, output_size = torch.Size([]), 2, 2

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(5, 2, dtype=float64))

    def forward(self, inputs, state):
        state = torch.tanh(self.table[inputs] + state)
        return state, state


@pytest.mark.parametrize("make", [WeightsOfTime, SumsOfPictures, lambda: dropped(WeightsOfTime())])
def test_laws_hold_for_inputs_of_any_structure(make):
    testing.check_cell(make)


def test_laws_hold_for_inputs_that_the_caller_makes():
    testing.check_cell(SumsOfWords, make_inputs=lambda n: torch.randint(5, (n,)))


@pytest.mark.parametrize("make", CELLS.values(), ids=CELLS)
def test_a_cell_and_its_state_can_be_pickled(make):
    cell = make()
    copy, state = pickle.loads(pickle.dumps((cell, cell.zero_state(2))))
    assert_close(copy.state_dict(), cell.state_dict())
    assert_close(state, cell.zero_state(2))


def zeros(size, batch_size):
    """A (nested) size as inputs of one step."""
    if isinstance(size, tuple) and not isinstance(size, torch.Size):
        return tuple(zeros(part, batch_size) for part in size)
    shape = (size,) if isinstance(size, int) else size
    return torch.zeros(batch_size, *shape, dtype=float64)


@pytest.mark.wrong_types
@pytest.mark.parametrize("with_gradient", [True, False])
@pytest.mark.parametrize(
    "name", [name for name in CELLS if "Wrapper" not in name and "MultiRNN" not in name]
)
def test_a_state_that_does_not_fit_is_refused(name, with_gradient):
    cell = CELLS[name]()
    owner = type(cell).__name__
    inputs, state = zeros(cell.input_size, 2), cell.zero_state(2)
    other_structure = (state, state) if isinstance(state, torch.Tensor) else zeros(4, 2)
    with torch.set_grad_enabled(with_gradient):
        for wrong in (None, other_structure, [torch.zeros(2, 4)] * 7):
            with pytest.raises((TypeError, ValueError), match=f"{owner}: state: expected "):
                cell(inputs, wrong)
        with pytest.raises(ValueError, match=rf"{owner}: state.*: expected .*\(2, .*found .*\(3, "):
            cell(inputs, cell.zero_state(3))


class Broken(RNNCell):
    """A base for cells that each break one law."""

    input_size = state_size = output_size = 2

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.5, dtype=float64))


class LooksAtItsNeighbours(Broken):
    def forward(self, inputs, state):
        state = torch.tanh(self.weight * inputs + state.mean(0, keepdim=True))
        return state, state


class CountsItsCalls(Broken):
    calls = 0

    def forward(self, inputs, state):
        self.calls += 1
        state = torch.tanh(self.weight * inputs + state + 0.01 * self.calls)
        return state, state


class DrawsInItsStep(Broken):
    def forward(self, inputs, state):
        state = torch.tanh(self.weight * inputs + state + torch.rand_like(state))
        return state, state


class LiesAboutItsGradient(Broken):
    def forward(self, inputs, state):
        state = torch.tanh(self.weight.detach() * inputs + self.weight * state)
        return state, state


@pytest.mark.parametrize(
    ("cell", "law"),
    [
        (LooksAtItsNeighbours, "as if alone"),
        (CountsItsCalls, "padding is invisible|as if alone"),
        (DrawsInItsStep, "as if alone|order of the batch|two halves"),
        (LiesAboutItsGradient, "gradients are true"),
    ],
)
def test_a_broken_cell_is_caught(cell, law):
    with pytest.raises(AssertionError, match=law):
        testing.check_cell(cell)


def test_gradients_that_are_not_true_can_be_allowed():
    testing.check_cell(LiesAboutItsGradient, true_gradients=False)


def test_laws_want_double_precision():
    with pytest.raises(TypeError, match=r"expected a cell of torch.float64, found torch.float32"):
        testing.check_cell(lambda: GRUCell(3, 4))
