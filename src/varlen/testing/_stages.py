"""The laws that every stage of a pipeline is held to."""

import copy
import json
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np
import torch

from varlen.data import StageIterator


def check_stage(make_pipeline: Callable[[], Iterable[Any]]) -> None:
    """Holds a pipeline, and so the stages in it, to the laws of resuming.

    Every pass is the same. From every position, before the first item and after the last
    included, a fresh pass that loads the state gives exactly the items that were still to come,
    so that nothing is lost and nothing comes twice; and so does a pass that had gone elsewhere.
    The state survives JSON, is not changed by loading, and says the same once it is loaded. An
    epoch may be begun from anywhere, is the same every time, and resumes as well.

    Args:
        make_pipeline: makes the pipeline anew; it must give few items, since the time taken grows
            with their square.

    Raises:
        AssertionError: a law does not hold; the message says which, and at which position.
    """
    whole = list(_begin(make_pipeline))
    _assert_same(list(_begin(make_pipeline)), whole, "every pass is the same")
    for position in range(len(whole) + 1):
        law = f"resuming at position {position} gives the rest"
        moved = _begin(make_pipeline)
        _assert_same(list(islice(moved, position)), whole[:position], "every pass is the same")
        state = json.loads(json.dumps(moved.state_dict()))
        _assert_same(list(moved), whole[position:], "asking for the state changes nothing")
        assert next(moved, None) is None, "a pass that has ended stays at its end"

        kept = copy.deepcopy(state)
        fresh = _begin(make_pipeline)
        for resumed in (fresh, moved):
            resumed.load_state_dict(state)
            assert state == kept, "loading leaves the state unchanged"
            again = _begin(make_pipeline)
            again.load_state_dict(resumed.state_dict())
            _assert_same(list(again), whole[position:], f"{law}, also of a resumed pass")
            _assert_same(list(resumed), whole[position:], law)
    _check_epochs(make_pipeline, whole)


def _check_epochs(make_pipeline: Callable[[], Iterable[Any]], whole: list[Any]) -> None:
    moved = _begin(make_pipeline)
    epochs = []
    for epoch in range(2):
        law = f"epoch {epoch} is the same from wherever it is begun"
        moved.begin_epoch(epoch)
        epochs.append(list(moved))
        for position in (0, len(epochs[epoch]) // 2):
            moved.begin_epoch(epoch)
            _assert_same(list(islice(moved, position)), epochs[epoch][:position], law)
            resumed = _begin(make_pipeline)
            resumed.load_state_dict(moved.state_dict())
            _assert_same(list(resumed), epochs[epoch][position:], f"{law}, and resumes")
    _assert_same(epochs[0], whole, "epoch 0 is that of a fresh pass")


def _begin(make_pipeline: Callable[[], Iterable[Any]]) -> StageIterator:
    iterator = iter(make_pipeline())
    if not isinstance(iterator, StageIterator):
        raise TypeError(
            f"make_pipeline: expected a pipeline, whose passes have a state, found passes of "
            f"{type(iterator).__name__}"
        )
    return iterator


def _assert_same(actual: Any, expected: Any, law: str) -> None:
    """Equal in kind, structure, dtype and every value."""
    assert type(actual) is type(expected), f"{law}: {type(actual)} against {type(expected)}"
    if isinstance(expected, dict):
        assert list(actual) == list(expected), f"{law}: {list(actual)} against {list(expected)}"
        for name in expected:
            _assert_same(actual[name], expected[name], f"{law}: {name!r}")
    elif isinstance(expected, list | tuple):
        assert len(actual) == len(expected), f"{law}: {len(actual)} against {len(expected)} items"
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            _assert_same(one, other, f"{law}: [{i}]")
    elif isinstance(expected, np.ndarray | torch.Tensor):
        assert actual.dtype == expected.dtype, f"{law}: {actual.dtype} against {expected.dtype}"
        np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected), err_msg=law)
    else:
        assert actual == expected, f"{law}: {actual!r} against {expected!r}"
