"""That annotations are checked while tests run, and not where a test says so."""

import pytest
import torch
from jaxtyping import TypeCheckError

from varlen.errors import did_you_mean
from varlen.losses import masked_mean_squared_error


def squared_error():
    return masked_mean_squared_error(torch.zeros(2, 3, 4), torch.zeros(2, 3, 5), [3, 3])


def test_those_with_shapes():
    with pytest.raises(TypeCheckError, match=r"masked_mean_squared_error.*\n.*targets"):
        squared_error()


def test_those_without():
    with pytest.raises(TypeCheckError, match="name=3"):
        did_you_mean(3, ["tokens"])


@pytest.mark.wrong_types
def test_neither_where_types_are_wrong():
    with pytest.raises(ValueError, match=r"^[^\n]*expected[^\n]*found"):
        squared_error()
    with pytest.raises(TypeError, match="int"):
        did_you_mean(3, ["tokens"])
