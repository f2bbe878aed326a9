import doctest
import itertools

import numpy as np
import pytest
import torch

import varlen.data.iterables._states
from varlen import LSTMCell, dynamic_rnn, static_state_saving_rnn
from varlen.data import batch_sequences_with_states


def batches_of(sequences, **arguments):
    """Batches of `(key, rows)`, two at a time, in segments of two steps, with a number as state."""
    defaults = {
        "input_key": lambda e: e[0],
        "input_sequences": lambda e: {"x": e[1]},
        "input_context": None,
        "input_length": None,
        "initial_states": {"s": 0},
        "num_unroll": 2,
        "batch_size": 2,
    }
    return batch_sequences_with_states(sequences, **{**defaults, **arguments})


def keys_of(batches):
    """Takes all batches, and saves the number of steps so far."""
    found = []
    for batch in batches:
        batch.save_state("s", batch.state("s") + batch.length)
        found.append(batch.key.tolist())
    return found


def named(*lengths):
    return [(f"n{i}", list(range(length))) for i, length in enumerate(lengths)]


def test_segments_follow_each_other_in_the_order_of_arrival():
    assert keys_of(batches_of(named(3, 1, 5))) == [
        ["00000_of_00002:n0", "00000_of_00001:n1"],
        ["00001_of_00002:n0", "00000_of_00003:n2"],
        ["00001_of_00003:n2"],
        ["00002_of_00003:n2"],
    ]


def test_what_is_too_few_for_a_batch_may_be_left_out():
    assert len(keys_of(batches_of(named(3, 1, 5), allow_small_batch=False))) == 2


def test_no_more_elements_are_taken_than_a_batch_needs():
    taken = []

    def endless():
        for i in itertools.count():
            taken.append(i)
            yield (f"n{i}", [0, 0, 0])

    batches = batches_of(endless())
    assert taken == []
    for number in range(3):
        batch = next(batches)
        batch.save_state("s", batch.state("s"))
        assert len(taken) == 2 + 2 * (number // 2)


def test_fields_and_padding():
    rows = np.arange(1.0, 7.0).reshape(3, 2)
    batches = batches_of(
        [("a", rows), ("b", rows[:1])],
        input_context=lambda e: {"name": e[0].upper(), "n": len(e[1])},
        input_length=lambda e: len(e[1]) - 1,
    )
    first = next(batches)
    assert first.batch_size == 2
    assert first.next_key.tolist() == ["00001_of_00002:a", "STOP:b"]
    np.testing.assert_array_equal(first.sequences["x"], [rows[:2], [rows[0], [0, 0]]])
    assert first.context["name"].tolist() == ["A", "B"]
    assert first.context["n"].tolist() == [3, 1]
    assert first.length.tolist() == [2, 0]
    assert first.total_length.tolist() == [2, 0]
    first.save_state("s", first.state("s"))
    second = next(batches)
    np.testing.assert_array_equal(second.sequences["x"], [[rows[2], [0, 0]]])
    assert second.length.tolist() == [0]
    assert second.sequence.tolist() == [1]
    assert second.sequence_count.tolist() == [2]


def test_an_unroll_in_segments_is_the_unroll_of_the_whole():
    torch.manual_seed(0)
    cell = LSTMCell(3, 4, dtype=torch.float64)
    rows = {f"row {i}": torch.randn(n, 3).double() for i, n in enumerate((7, 1, 4, 9, 2))}
    found = {key: [] for key in rows}
    batches = batches_of(
        rows.items(),
        initial_states={"c": torch.zeros(4).double(), "h": torch.zeros(4).double()},
        num_unroll=3,
    )
    for batch in batches:
        outputs, _ = static_state_saving_rnn(
            cell, batch.sequences["x"].unbind(1), batch, ("c", "h"), batch.length
        )
        assert outputs[0].requires_grad
        assert not batch.state("c").requires_grad
        for row, (key, length) in enumerate(zip(batch.key, batch.length, strict=True)):
            found[key.partition(":")[2]] += [step[row] for step in outputs[:length]]
    for key, row in rows.items():
        whole, _ = dynamic_rnn(cell, row[None])
        torch.testing.assert_close(torch.stack(found[key]), whole[0], rtol=1e-12, atol=1e-12)


def test_saved_states_are_copies():
    batches = batches_of(named(3), batch_size=1)
    state = np.array([5])
    next(batches).save_state("s", state)
    state[0] = 6
    assert next(batches).state("s").tolist() == [5]


def test_batches_wait_for_no_state_that_is_not_needed():
    batches = batches_of(named(3, 3, 3, 3))
    first, second = next(batches), next(batches)
    assert [k[-2:] for k in [*first.key, *second.key]] == ["n0", "n1", "n2", "n3"]
    second.save_state("s", np.array([7, 8]))
    third = next(batches)
    assert third.key.tolist() == ["00001_of_00002:n2", "00001_of_00002:n3"]
    assert third.state("s").tolist() == [7, 8]


@pytest.mark.parametrize("arguments", [{}, {"capacity": 2}])
def test_a_state_that_was_not_saved(arguments):
    batches = batches_of(named(3, 3, 3)[: 3 if arguments else 2], **arguments)
    batch = next(batches)
    with pytest.raises(RuntimeError, match="the state 's' of segment '00000_of_00002:n0'"):
        next(batches)
    batch.save_state("s", batch.state("s"))
    assert next(batches).key[0] == "00001_of_00002:n0"


def test_an_element_that_is_refused_is_passed_over_by_who_goes_on():
    batches = batches_of([("a", [1]), ("b", []), ("c", [2]), ("d", [3])], batch_size=1)
    assert next(batches).key.tolist() == ["00000_of_00001:a"]
    with pytest.raises(ValueError, match="element 1: expected at least one step"):
        next(batches)
    assert next(batches).key.tolist() == ["00000_of_00001:c"]


def test_a_key_may_come_again_when_it_has_ended():
    ended = [("a", [1]), ("b", [1]), ("a", [2])]
    assert [k for keys in keys_of(batches_of(ended)) for k in keys][-1] == "00000_of_00001:a"
    with pytest.raises(ValueError, match="element 1: input_key: 'a' is the key of element 0"):
        next(batches_of([("a", [1, 2, 3]), ("a", [2])]))


def test_unique_keys():
    def found(seed):
        twice = [(b"a", [1]), (b"a", [2])]
        batches = batches_of(twice, make_keys_unique=True, make_keys_unique_seed=seed)
        return next(batches).key.tolist()

    first, second = found(3)
    assert first.startswith(b"00000_of_00001:a:")
    assert first != second
    assert found(3) == [first, second] != found(4)


def test_saving_what_does_not_fit():
    batch = next(batches_of(named(3, 3)))
    with pytest.raises(KeyError, match="no state named 't'"):
        batch.save_state("t", 0)
    with pytest.raises(KeyError, match="no state named 't'"):
        batch.state("t")
    with pytest.raises(ValueError, match=r"'s': expected shape \(2,\), found \(1,\)"):
        batch.save_state("s", np.array([1]))
    with pytest.raises(TypeError, match="'s': expected int64, found float64"):
        batch.save_state("s", np.array([1.0, 2.0]))
    batch.save_state("s", np.array([1, 2]))
    with pytest.raises(ValueError, match="saved already"):
        batch.save_state("s", np.array([1, 2]))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"initial_states": {}}, ValueError, "initial_states: expected at least one, found none"),
        ({"initial_states": {"a:b": 0}}, ValueError, "names without a colon, found 'a:b'"),
        ({"initial_states": {1: 0}}, TypeError, "names that are strings, found 1"),
        ({"initial_states": lambda e: 3}, TypeError, "element 0: initial_states: expected a dict"),
        ({"input_sequences": lambda e: {}}, ValueError, "input_sequences: expected at least one"),
        (
            {"input_sequences": lambda e: {"x": 3}},
            ValueError,
            r"\['x'\]: expected steps, found a s",
        ),
        (
            {"input_sequences": lambda e: {"x": [1, 2], "y": [1]}},
            ValueError,
            r"element 0: input_sequences\['y'\]: expected 2 steps, as in 'x', found 1",
        ),
        ({"pad": False}, ValueError, "element 0: expected a multiple of num_unroll, 2 steps, foun"),
        ({"input_length": lambda e: 5}, ValueError, "input_length: expected at most the 4 steps"),
        ({"input_length": lambda e: -1}, ValueError, "input_length: expected at least 0"),
        ({"input_key": lambda e: 7}, TypeError, "element 0: input_key: expected a string, found 7"),
        ({"capacity": 1}, ValueError, "capacity: expected at least 2, found 1"),
        ({"num_unroll": 2.0}, TypeError, "num_unroll: expected an integer"),
        (
            {"initial_states": lambda e: {"s": np.zeros(len(e[1]))}},
            ValueError,
            r"element 1: initial_states\['s'\]: expected shape \(3,\), as in element 0, found",
        ),
        (
            {"initial_states": lambda e: {"s": len(e[1]) if e[0] == "n0" else torch.tensor(1)}},
            TypeError,
            r"initial_states\['s'\]: expected int64, as in element 0, found torch.int64",
        ),
        (
            {"input_context": lambda e: {"c": 0} if e[0] == "n0" else {}},
            ValueError,
            r"element 1: input_context: expected \['c'\], as in element 0, found \[\]",
        ),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        next(batches_of(named(3, 1), **arguments))


def test_examples():
    assert doctest.testmod(varlen.data.iterables._states).failed == 0
