"""Initial values of fresh cells: constants, and the range and spread of random ones."""

import torch

from varlen import tf1

from .case import Case, LeftOut
from .rnn import build, check_spec


def covers(case: Case) -> None:
    check_spec(case.entry["cell"])
    if "initializer" in str(case.entry["cell"]):
        raise LeftOut("an initialiser of TensorFlow's is not described by its name alone")
    if any("/part_" in name for name in case.entry["variables"]):
        raise LeftOut("TensorFlow stores the variable in parts; here it is one parameter")


def run(case: Case) -> None:
    torch.manual_seed(0)
    cell = build(case.entry["cell"], case.entry["input_depth"], torch.float64, {})
    parameters = cell.state_dict()
    recorded = case.entry["variables"]
    names = tf1.variable_names(cell, "rnn")
    assert set(names.values()) == set(recorded)
    for name, variable in names.items():
        expected, found = recorded[variable], parameters[name]
        assert list(found.shape) == expected["shape"], variable
        if "constant" in expected:
            assert (found == expected["constant"]).all(), variable
            continue
        # The same uniform law: its bound is sqrt(3) deviations, and n draws come near to it.
        bound = 3**0.5 * expected["std"]
        slack = 6 / found.numel() ** 0.5
        assert found.abs().max() <= bound * (1 + slack), variable
        assert abs(found.std() / expected["std"] - 1) <= slack, variable
        assert abs(found.mean()) <= slack * bound, variable
