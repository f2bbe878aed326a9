import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from varlen import FeatureError, SequenceExample, sequence_example
from varlen.features import Feature

INT64S = st.integers(-(2**63), 2**63 - 1)
FLOAT32S = st.floats(width=32, allow_nan=False)


def context_of(value) -> Feature:
    return SequenceExample.FromString(sequence_example({"x": value})).context.feature["x"]


def steps_of(value) -> list[Feature]:
    example = SequenceExample.FromString(sequence_example(sequences={"x": value}))
    assert "x" in example.feature_lists.feature_list
    return list(example.feature_lists.feature_list["x"].feature)


def values_of(feature: Feature):
    kind = feature.WhichOneof("kind")
    return kind, None if kind is None else list(getattr(feature, kind).value)


def test_is_what_the_messages_write():
    example = SequenceExample()
    example.context.feature["length"].int64_list.value.append(2)
    example.context.feature["name"].bytes_list.value.append("né".encode())
    for vector in ([0.5, 1.5], [2.5, 3.5]):
        example.feature_lists.feature_list["v"].feature.add().float_list.value.extend(vector)
    example.feature_lists.feature_list["empty"].SetInParent()
    assert sequence_example(
        context={"name": "né", "length": 2}, sequences={"v": [[0.5, 1.5], [2.5, 3.5]], "empty": []}
    ) == example.SerializeToString(deterministic=True)


def test_does_not_depend_on_the_order_of_names():
    names = [f"feature {i}" for i in range(20)]
    forwards = sequence_example(dict.fromkeys(names, 1), {n: [1] for n in names})
    backwards = sequence_example(dict.fromkeys(names[::-1], 1), {n: [1] for n in names[::-1]})
    assert forwards == backwards


def test_nothing_at_all_is_an_empty_message():
    assert sequence_example() == b""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, ("int64_list", [3])),
        (True, ("int64_list", [1])),
        (np.uint8(200), ("int64_list", [200])),
        (np.bool_(True), ("int64_list", [1])),
        ([np.bool_(True), 2], ("int64_list", [1, 2])),
        (2.5, ("float_list", [2.5])),
        (np.float32(2.5), ("float_list", [2.5])),
        (float("inf"), ("float_list", [float("inf")])),
        ("né", ("bytes_list", ["né".encode()])),
        (b"\0", ("bytes_list", [b"\0"])),
        (["a", b"b"], ("bytes_list", [b"a", b"b"])),
        (np.array(["né", "b"]), ("bytes_list", ["né".encode(), b"b"])),
        (np.array([b"a", "b"], object), ("bytes_list", [b"a", b"b"])),
        ((1, 2), ("int64_list", [1, 2])),
        (np.arange(4, dtype=np.int16).reshape(2, 2), ("int64_list", [0, 1, 2, 3])),
        ([[1, 2], [3]], ("int64_list", [1, 2, 3])),
        ([np.array([1.5, 2.5]), [3.5]], ("float_list", [1.5, 2.5, 3.5])),
        (torch.tensor([1.5, 2.5]), ("float_list", [1.5, 2.5])),
        (np.array(7), ("int64_list", [7])),
        (np.zeros(0, np.float64), ("float_list", [])),
        (np.zeros((2, 0), np.int8), ("int64_list", [])),
        ([], (None, None)),
    ],
    ids=repr,
)
def test_kinds_follow_from_the_values(value, expected):
    assert values_of(context_of(value)) == expected
    assert values_of(steps_of([value])[0]) == expected


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ([1, 2], [[1], [2]]),
        (np.array([1, 2], np.int32), [[1], [2]]),
        (torch.tensor([1, 2]), [[1], [2]]),
        (np.arange(6).reshape(3, 2), [[0, 1], [2, 3], [4, 5]]),
        (np.arange(4).reshape(2, 1, 2), [[0, 1], [2, 3]]),
        ([[1], [], [2, 3]], [[1], [], [2, 3]]),
        ([np.array([1, 2]), 3], [[1, 2], [3]]),
        (np.array([True, False]), [[1], [0]]),
    ],
    ids=repr,
)
def test_steps(sequence, expected):
    assert [values_of(step) for step in steps_of(sequence)] == [
        ("int64_list", values) for values in expected
    ]


@pytest.mark.parametrize("empty", [[], (), np.zeros(0), np.zeros((0, 3), np.int64)], ids=repr)
def test_a_sequence_of_length_0_is_there(empty):
    assert steps_of(empty) == []


def test_floats_are_rounded_to_float32():
    assert values_of(context_of(0.1)) == ("float_list", [float(np.float32(0.1))])


@given(
    context=st.dictionaries(st.text(), st.lists(INT64S, min_size=1)),
    sequences=st.dictionaries(
        st.text(),
        st.one_of(
            *(st.lists(st.lists(values)) for values in (INT64S, FLOAT32S, st.binary())),
        ),
    ),
)
def test_everything_comes_back(context, sequences):
    example = SequenceExample.FromString(sequence_example(context, sequences))
    assert {name: values_of(f)[1] for name, f in example.context.feature.items()} == context
    assert {
        name: [values_of(step)[1] or [] for step in steps.feature]
        for name, steps in example.feature_lists.feature_list.items()
    } == sequences


class TestErrors:
    @pytest.mark.wrong_types
    def test_names_that_are_no_text(self):
        for section, arguments in (("context", ({1: 2},)), ("feature_lists", ({}, {1: [2]}))):
            with pytest.raises(TypeError, match=f"{section}: expected names that are text, found"):
                sequence_example(*arguments)

    @pytest.mark.parametrize(
        ("value", "found"),
        [
            (None, "NoneType"),
            ({"a": 1}, "dict"),
            (object(), "object"),
            (1j, "complex"),
            (np.array([1j]), "complex128"),
            (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
        ],
        ids=repr,
    )
    def test_values_that_no_feature_holds(self, value, found):
        message = f"expected numbers, text or bytes, found {found}$"
        with pytest.raises(TypeError, match=rf"^context\.x: {message}"):
            sequence_example({"x": value})
        with pytest.raises(TypeError, match=rf"^feature_lists\.x: {message}"):
            sequence_example(sequences={"x": [1, value]})

    @pytest.mark.parametrize("value", [3, "text", b"bytes", None, np.array(3), {1, 2}], ids=repr)
    def test_a_sequence_that_is_no_list(self, value):
        with pytest.raises(TypeError, match=r"feature_lists\.x: expected a list of steps, found"):
            sequence_example(sequences={"x": value})

    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ([1, "a"], "int64 and string"),
            ([1, 2.5], "float32 and int64"),
            ([[1], ["a"], [2.5]], "float32 and int64 and string"),
        ],
    )
    def test_values_of_several_kinds(self, value, found):
        message = f"expected values of one kind, found {found}\n  at "
        with pytest.raises(FeatureError, match=rf"{message}context\.x"):
            sequence_example({"x": value})
        with pytest.raises(FeatureError, match=rf"{message}feature_lists\.x"):
            sequence_example(sequences={"x": value})

    @pytest.mark.parametrize("value", [2**63, -(2**63) - 1, np.uint64(2**63)])
    def test_integers_beyond_int64(self, value):
        with pytest.raises(
            FeatureError, match=rf"that fits int64, found {value}\n  at feature_lists\.x\[1\]"
        ):
            sequence_example(sequences={"x": [0, value]})

    @pytest.mark.parametrize("value", [1e39, np.float64(-1e300)])
    def test_floats_beyond_float32(self, value):
        with pytest.raises(FeatureError, match=r"that fits float32, found .*\n  at context\.x"):
            sequence_example({"x": [0.0, value]})
