import pytest

from varlen import ConfigError
from varlen.train import CELLS, make_cell


@pytest.mark.parametrize("name", [name for name in CELLS if name.startswith("layer_norm")])
def test_cells_that_are_named_after_layer_normalisation_have_it(name):
    plain = name.removeprefix("layer_norm_")
    others = {key.rsplit(".", 1)[-1] for key, _ in make_cell(plain, 3, 4).named_parameters()}
    added = {key.rsplit(".", 1)[-1] for key, _ in make_cell(name, 3, 4).named_parameters()}
    assert added - others


def test_a_name_that_is_not_there():
    with pytest.raises(ConfigError, match=r"no cell 'grru'\n  .*'gru'"):
        make_cell("grru", 3, 4)
