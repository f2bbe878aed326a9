import pytest

from varlen.data import Filter, Pipeline


def test_items_are_kept_or_left_out():
    assert list(Pipeline(range(10), Filter(lambda x: x % 3 == 0))) == [0, 3, 6, 9]
    assert list(Pipeline(["", "a"], Filter(len))) == ["a"]
    assert list(Pipeline(range(3), Filter(lambda x: False))) == []


@pytest.mark.wrong_types
def test_what_is_no_function():
    with pytest.raises(TypeError, match="Filter: expected a function, found int"):
        Filter(3)
