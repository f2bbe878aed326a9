import pytest
import torch

from varlen.train import CELLS, ModelSettings, RecurrentNetwork

STEPS, LENGTHS = torch.randn(1 + 3, 4), torch.tensor([1, 0, 3])


def networks(cell, **dropped):
    """One that drops and one that does not, with the same weights."""
    torch.manual_seed(1)
    plain = ModelSettings(cell=cell, units=8, dropout=0.0)
    made = [
        RecurrentNetwork(4, settings)
        for settings in (ModelSettings(cell=cell, units=8, dropout=0.0, **dropped), plain)
    ]
    made[0].load_state_dict(made[1].state_dict())
    return made


def test_recurrent_dropout_drops_what_a_step_adds():
    dropping, plain = networks("gru", recurrent_dropout=0.75)
    outputs, expected = dropping(STEPS, LENGTHS)[0], plain(STEPS, LENGTHS)[0]
    # The first output of a GRU is what the first step has added to a state of zeros.
    first, whole = outputs[0], expected[0]
    is_kept = first != 0
    torch.testing.assert_close(first[is_kept], 4 * whole[is_kept])
    assert 0 < is_kept.sum() < 16
    dropping.eval()
    assert torch.equal(dropping(STEPS, LENGTHS)[0], expected)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_recurrent_dropout_is_for_cells_that_have_a_candidate(cell):
    dropping, plain = networks(cell, recurrent_dropout=0.75)
    outputs, expected = dropping(STEPS, LENGTHS)[0], plain(STEPS, LENGTHS)[0]
    has_one = getattr(plain.forward_cells[0], "drops_candidate", False)
    assert torch.equal(outputs, expected) != has_one
