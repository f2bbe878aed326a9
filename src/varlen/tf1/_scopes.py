"""Which TensorFlow variable belongs to which parameter.

A parameter has its variable's name with dots for slashes, relative to the cell's own scope; this
file knows the scopes: a cell's default name, and what wrappers put around it.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from varlen.rnn import (
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
    FusedRNNCellAdaptor,
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
    LayerNormBasicLSTMCell,
    LayerNormLSTMCell,
    LSTMBlockCell,
    LSTMBlockFusedCell,
    LSTMCell,
    MinimalRNNCell,
    MultiRNNCell,
    NASCell,
    NTMCell,
    OutputProjectionWrapper,
    PhasedLSTMCell,
    RecurrentDropoutWrapper,
    ResidualWrapper,
    RNNCell,
    SRUCell,
    TimeFreqLSTMCell,
    TimeReversedFusedRNN,
    UGRNNCell,
    WeightDropWrapper,
    WeightNormLSTMCell,
    ZoneoutWrapper,
)

UNROLL_SCOPE = "rnn"
"""What `dynamic_rnn` opens, also for a module that calls it. Other cells may be in it too."""

SCOPES: dict[type[nn.Module], str] = {
    AttentionCellWrapper: "attention_cell_wrapper",
    DeviceWrapper: "",
    EmbeddingWrapper: "embedding_wrapper",
    FusedRNNCellAdaptor: UNROLL_SCOPE,
    HighwayWrapper: "",
    InputProjectionWrapper: "input_projection_wrapper",
    OutputProjectionWrapper: "output_projection_wrapper",
    ResidualWrapper: "",
    TimeReversedFusedRNN: "",
    CFNCell: "cfn_cell",
    CudnnCompatibleGRUCell: "cudnn_compatible_gru_cell",
    CudnnCompatibleLSTMCell: "cudnn_compatible_lstm_cell",
    GRUBlockCell: "gru_cell",
    GRUBlockCellV2: "gru_cell",
    IndRNNCell: "ind_rnn_cell",
    IndyGRUCell: "indy_gru_cell",
    IndyLSTMCell: "indy_lstm_cell",
    IntersectionRNNCell: "intersection_rnn_cell",
    LSTMBlockCell: "lstm_cell",
    LSTMBlockFusedCell: "lstm_fused_cell",
    LayerNormBasicLSTMCell: "layer_norm_basic_lstm_cell",
    LayerNormLSTMCell: "layer_norm_lstm_cell",
    MinimalRNNCell: "minimal_rnn_cell",
    PhasedLSTMCell: "phased_lstm_cell",
    SRUCell: "sru_cell",
    WeightNormLSTMCell: "wn_lstm_cell/wn_lstm_cell",
    NTMCell: "ntm_cell",
    Conv1DLSTMCell: "conv_1d_lstm_cell",
    Conv2DLSTMCell: "conv_2d_lstm_cell",
    Conv3DLSTMCell: "conv_3d_lstm_cell",
    ConvLSTMCell: "conv_lstm_cell",
    GLSTMCell: "glstm_cell",
    BidirectionalGridLSTMCell: "bidirectional_grid_lstm_cell",
    GridLSTMCell: "grid_lstm_cell",
    TimeFreqLSTMCell: "time_freq_lstm_cell",
    BasicLSTMCell: "basic_lstm_cell",
    BasicRNNCell: "basic_rnn_cell",
    CoupledInputForgetGateLSTMCell: "coupled_input_forget_gate_lstm_cell",
    DropoutWrapper: "",
    GRUCell: "gru_cell",
    LSTMCell: "lstm_cell",
    MultiRNNCell: "multi_rnn_cell",
    NASCell: "nas_cell",
    RecurrentDropoutWrapper: "",
    UGRNNCell: "ugrnn_cell",
    WeightDropWrapper: "",
    ZoneoutWrapper: "",
}
"""The scope that each cell and wrapper adds, if any. A cell's own `name` takes its place."""


def variable_names(module: nn.Module, scope: str = "") -> dict[str, str]:
    """Each name in `module.state_dict()` and the TensorFlow 1 variable that it comes from.

    Args:
        module: any cell or wrapper that TensorFlow 1 had; wrappers that it had not and that add
            no scope may stand around its cells.
        scope: what stands before the cell's own scope, as an unroll opens it: `rnn` in
            `dynamic_rnn`, `static_rnn`, `raw_rnn` and `static_state_saving_rnn`,
            `bidirectional_rnn/fw` and `bidirectional_rnn/bw` in the bidirectional ones,
            `stack_bidirectional_rnn/cell_0/bidirectional_rnn/fw` in
            `stack_bidirectional_dynamic_rnn`, and `stack_bidirectional_rnn/cell_0/fw` in
            `stack_bidirectional_rnn`. A `scope` argument replaced `rnn`, `bidirectional_rnn` or
            `stack_bidirectional_rnn`, and scopes around the call stand in front.

    Returns:
        `{"kernel": "rnn/lstm_cell/kernel", ...}`. Two places of one shared cell have the variable
        of the first.

    Raises:
        TypeError: a cell that TensorFlow 1 did not have.
    """
    variables: dict[int, str] = {}
    for tensor, variable in _of_module(module, scope):
        variables.setdefault(id(tensor), variable)
    stored = module.state_dict(keep_vars=True)
    return {name: variables[id(tensor)] for name, tensor in stored.items()}


def own_scopes(module: nn.Module, scope: str) -> Iterator[str]:
    """The scopes in which every variable is one of the module's."""
    name = _name(module)
    if name not in ("", UNROLL_SCOPE):
        yield join(scope, name)
        return
    for cell in filter(_is_cell, module.children()):
        yield from own_scopes(cell, join(scope, name))


def join(scope: str, name: str) -> str:
    """A name in a scope; either may be empty."""
    return f"{scope}/{name}" if scope and name else scope or name


def _of_module(module: nn.Module, scope: str) -> Iterator[tuple[Tensor, str]]:
    """The tensors of a cell and their variables."""
    yield from _inside(module, join(scope, _name(module)))


def _inside(module: nn.Module, scope: str) -> Iterator[tuple[Tensor, str]]:
    for tensors in (module.named_parameters(recurse=False), module.named_buffers(recurse=False)):
        for name, tensor in tensors:
            yield tensor, join(scope, name)
    for name, child in module.named_children():
        if not _is_cell(child):
            yield from _inside(child, join(scope, name))
        else:
            # Only a stack says which of its cells it is.
            place = join(scope, name) if isinstance(module, MultiRNNCell) else scope
            yield from _of_module(child, place)


def _is_cell(module: nn.Module) -> bool:
    return isinstance(module, RNNCell) or type(module) in SCOPES


def _name(module: nn.Module) -> str:
    if type(module) not in SCOPES:
        raise TypeError(f"expected a cell that TensorFlow 1 has, found a {type(module).__name__}")
    name = getattr(module, "name", None)
    return name if isinstance(name, str) else SCOPES[type(module)]
