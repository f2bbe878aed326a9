import pytest
import torch

from varlen import ConfigError, dynamic_rnn
from varlen.cells import GRUCell, PhasedLSTMCell, ResidualWrapper
from varlen.train import CELLS, ModelSettings, RecurrentNetwork, make_cell


@pytest.mark.parametrize("name", [name for name in CELLS if name.startswith("layer_norm")])
def test_cells_that_are_named_after_layer_normalisation_have_it(name):
    plain = name.removeprefix("layer_norm_")
    others = {key.rsplit(".", 1)[-1] for key, _ in make_cell(plain, 3, 4).named_parameters()}
    added = {key.rsplit(".", 1)[-1] for key, _ in make_cell(name, 3, 4).named_parameters()}
    assert added - others


def test_a_name_that_is_not_there():
    with pytest.raises(ConfigError, match=r"no cell 'grru'\n  .*'gru'"):
        make_cell("grru", 3, 4)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("PhasedLSTMCell", "did you mean 'phased_lstm'"),
        ("MultiplicativeLSTMCell", "did you mean 'mlstm'"),
        ("conv_2d_lstm", "Conv2DLSTMCell cannot be chosen by name: it takes steps that are grids"),
        ("residual", "ResidualWrapper cannot be chosen by name.*\n.*varlen.train.CELLS"),
        ("dropout", "say --dropout"),
        ("multi_rnn", "say --layers"),
    ],
)
def test_cells_of_the_catalogue_that_have_another_name_or_none(name, hint):
    with pytest.raises(ConfigError, match=hint):
        ModelSettings(cell=name)


def test_a_cell_of_ones_own(monkeypatch):
    made = ResidualWrapper(GRUCell(4, 4))
    monkeypatch.setitem(CELLS, "mine", lambda size, units: made)
    network = RecurrentNetwork(
        4, ModelSettings(cell="mine", units=4, dropout=0.0, bidirectional=False)
    )
    steps = torch.randn(3, 4)
    expected = dynamic_rnn(made, steps[None])[0][0]
    torch.testing.assert_close(network(steps, torch.tensor([3]))[0], expected)


@pytest.mark.parametrize("units", [5, 6, 8, 16])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("name", ["time_freq_lstm", "grid_lstm", "bidirectional_grid_lstm"])
def test_grids_see_all_of_a_step_and_are_as_wide_as_units(name, size, units):
    if units % {"time_freq_lstm": 1, "grid_lstm": 2, "bidirectional_grid_lstm": 4}[name]:
        with pytest.raises(ConfigError, match="units: expected a multiple of"):
            make_cell(name, size, units)
        return
    cell = make_cell(name, size, units)
    step = torch.randn(3, size, requires_grad=True)
    outputs, _ = cell(step, cell.zero_state(3))
    assert outputs.shape == (3, units)
    outputs.square().sum().backward()
    assert (step.grad != 0).all()


def test_a_phased_lstm_has_the_times_of_its_steps():
    cell = make_cell("phased_lstm", 3, 4)
    plain = PhasedLSTMCell(3, 4, ratio_on=0.5)
    plain.load_state_dict(cell.cell.state_dict())
    steps = torch.randn(2, 6, 3)
    lengths = torch.tensor([6, 2])
    times = torch.arange(6.0).expand(2, 6)[:, :, None]
    expected, last = dynamic_rnn(plain, (times, steps), lengths)
    outputs, (state, time) = dynamic_rnn(cell, steps, lengths)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(state, last)
    assert time[:, 0].tolist() == lengths.tolist()
