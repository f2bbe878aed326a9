"""The native reader of columns against its twin, which is its definition."""

import threading
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from varlen import FeatureError, _native, float32, int64, sequence_example, string
from varlen.features import SequenceExample
from varlen.features._columns import ColumnReader
from varlen.features._requests import Column, Request
from varlen.features._twin import read_columns
from wire_messages import FEATURES, NAMES, PADDINGS, delimited, mutated, varint

KINDS = [int64, float32, string]
native = pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")


def request(section, name="a", kind=int64, size=None, required=False) -> Request:
    return Request(section, name, kind, size, required, "as written in a test")


@st.composite
def requests(draw: st.DrawFn, sections: list[str]) -> list[Request]:
    one = st.builds(
        request,
        st.sampled_from(sections),
        st.sampled_from([name.decode() for name in NAMES]),
        st.sampled_from(KINDS),
        st.sampled_from([None, None, None, None, 0, 1, 1, 2]),
        st.sampled_from([False, False, False, True]),
    )
    return draw(st.lists(one, min_size=1, max_size=4))


def outcome(read) -> list[Column] | str:
    try:
        return read()
    except FeatureError as error:
        return str(error)


def place(number: int) -> str:
    return f"file @ byte {number}"


def assert_same_columns(found: list[Column], expected: list[Column]):
    for ours, twins in zip(found, expected, strict=True):
        for part, expected_part in zip(ours, twins, strict=True):
            assert (part.dtype, part.shape) == (expected_part.dtype, expected_part.shape)
            if part.dtype == float32:
                # The twin's values pass through Python's floats, which quieten signalling NaNs.
                np.testing.assert_array_equal(part, expected_part)
            else:
                assert part.tolist() == expected_part.tolist()


def assert_twins_agree(message_name: str, wanted: list[Request], messages: list[bytes]):
    ours = outcome(lambda: ColumnReader(message_name, wanted).read(messages, place))
    twins = outcome(lambda: read_columns(message_name, wanted, messages, place))
    if isinstance(twins, str):
        assert ours == twins
    else:
        assert_same_columns(ours, twins)


@given(wanted=requests(["context", "feature_lists"]), messages=st.lists(mutated(), max_size=3))
@settings(max_examples=300, deadline=None)
@example(wanted=[request("context")], messages=[b"\x0b\x0c"])  # a group, which protobuf skips
@example(wanted=[request("context")], messages=[b"\x13\x14\x00"])
def test_sequence_examples(wanted, messages):
    assert_twins_agree("SequenceExample", wanted, messages)


@given(wanted=requests(["features"]), messages=st.lists(mutated(), max_size=3))
@settings(max_examples=100, deadline=None)
def test_examples(wanted, messages):
    assert_twins_agree("Example", wanted, messages)


VALUES = {
    int64: st.integers(-(2**63), 2**63 - 1),
    float32: st.floats(width=32, allow_nan=False),
    string: st.binary(max_size=3),
}


@native
@given(data=st.data(), size=st.sampled_from([None, 0, 1, 3]), kind=st.sampled_from(KINDS))
def test_what_protobuf_writes_is_left_to_nobody_else(data, size, kind):
    step = st.lists(VALUES[kind], min_size=size or 0, max_size=3 if size is None else size)
    messages = []
    for steps in data.draw(st.lists(st.lists(step, max_size=4), max_size=4)):
        message = SequenceExample.FromString(sequence_example({"other": "é"}, {"also": [1]}))
        feature_list = message.feature_lists.feature_list["a"]
        feature_list.SetInParent()
        for values in steps:
            chosen = getattr(
                feature_list.feature.add(),
                {int64: "int64_list", float32: "float_list", string: "bytes_list"}[kind],
            )
            chosen.SetInParent()
            chosen.value.extend(values)
        messages.append(message.SerializeToString())
    wanted = request("feature_lists", "a", kind, size, True)
    number = {string: 1, float32: 2, int64: 3}[kind]
    described = (True, b"a", number, -1 if size is None else size, True)
    (found,) = _native.decode_features([described], True, messages, 1, False)
    values = np.array(found[0], object) if kind == string else found[0]
    expected = read_columns("SequenceExample", [wanted], messages, place)
    assert_same_columns([Column(values, *found[1:])], expected)


@given(
    steps=st.lists(
        st.tuples(st.one_of(*(st.integers(0, 2**b - 1) for b in (7, 14, 35, 56, 64))), PADDINGS),
        max_size=30,
    ),
    odd=st.none() | st.tuples(st.integers(0, 30), mutated(FEATURES)),
)
def test_long_lists_of_single_numbers(steps, odd):
    parts = [
        delimited(1, delimited(3, delimited(1, varint(value, padding=min(padding, 1)))))
        for value, padding in steps
    ]
    if odd is not None:
        parts.insert(odd[0], delimited(1, odd[1]))
    message = delimited(2, delimited(1, delimited(1, b"a") + delimited(2, b"".join(parts))))
    wanted = [request("feature_lists", "a", int64, 1)]
    assert_twins_agree("SequenceExample", wanted, [message])


@given(
    size=st.sampled_from([1, 2, 40]),
    paddings=st.lists(st.just((0, 0, 0)) | st.tuples(PADDINGS, PADDINGS, PADDINGS), max_size=9),
    odd=st.none() | st.tuples(st.integers(0, 9), mutated(FEATURES)),
    cut=st.sampled_from([0, 0, 1, 4, 9]),
)
def test_long_lists_of_steps_of_floats(size, paddings, odd, cut):
    parts = []
    for number, lengths_padded in enumerate(paddings):
        piece = np.arange(number, number + size, dtype="<f4").tobytes()
        for field, padding in zip((1, 2, 1), lengths_padded, strict=True):
            piece = varint(8 * field + 2) + varint(len(piece), padding=min(padding, 1)) + piece
        parts.append(piece)
    if odd is not None:
        parts.insert(odd[0], delimited(1, odd[1]))
    steps = b"".join(parts)
    steps = steps[: len(steps) - cut]
    message = delimited(2, delimited(1, delimited(1, b"a") + delimited(2, steps)))
    for asked in (size, size + 1):
        wanted = [request("feature_lists", "a", float32, asked)]
        assert_twins_agree("SequenceExample", wanted, [message])


@lru_cache
def messages_of(count: int) -> list[bytes]:
    rng = np.random.default_rng(count)
    made = []
    for number in range(count):
        steps = int(rng.integers(0, 200))
        made.append(
            sequence_example(
                {"id": number},
                {
                    "tokens": rng.integers(-5, 300, steps),
                    "vectors": rng.random((steps // 2, 2), np.float32),
                    "words": [b"w" * int(n) for n in rng.integers(0, 9, steps // 3)],
                    "any": [rng.integers(0, 9, n) for n in rng.integers(0, 4, steps // 4)],
                },
            )
        )
    return made


class TestBatches:
    WANTED = (
        request("feature_lists", "tokens", int64, 1, True),
        request("feature_lists", "vectors", float32, 2, False),
        request("feature_lists", "words", string, 1, False),
        request("feature_lists", "any", int64, None, False),
        request("context", "id", int64, 1, True),
    )

    def messages(self, count: int) -> list[bytes]:
        return list(messages_of(count))

    @pytest.mark.parametrize("padded", [False, True])
    def test_several_threads_make_the_same(self, padded):
        messages = self.messages(900)
        assert sum(map(len, messages)) > 3 << 19, "more than three threads are worth it"
        reader = ColumnReader("SequenceExample", self.WANTED)
        one = reader.read(messages, place, padded=padded, max_threads=1)
        assert_same_columns(reader.read(messages, place, padded=padded, max_threads=5), one)
        if not padded:
            few = reader.read(messages[:50], place, max_threads=1)
            assert_same_columns(
                few, read_columns("SequenceExample", self.WANTED, messages[:50], place)
            )

    @pytest.mark.parametrize("threads", [1, 4])
    def test_the_first_failure_is_the_one_that_is_told(self, threads):
        messages = self.messages(900)
        for number in (650, 333, 500):
            messages[number] = sequence_example({"id": [1, 2]}, {"tokens": []})
        with pytest.raises(FeatureError, match=r"found 2\n  at file @ byte 333: context\.id"):
            ColumnReader("SequenceExample", self.WANTED).read(messages, place, max_threads=threads)

    def test_blocks_hold_the_rows_and_zeros(self):
        messages = self.messages(20)
        reader = ColumnReader("SequenceExample", self.WANTED)
        for jagged, block, wanted in zip(
            reader.read(messages, place),
            reader.read(messages, place, padded=True),
            self.WANTED,
            strict=True,
        ):
            np.testing.assert_array_equal(block.lengths, jagged.lengths)
            if not wanted.is_list or wanted.size is None:
                np.testing.assert_array_equal(block.values, jagged.values)
                continue
            rows = np.split(jagged.values.reshape(-1, wanted.size), np.cumsum(jagged.lengths)[:-1])
            assert block.values.shape == (20, max(map(len, rows)), wanted.size)
            filler = b"" if wanted.kind == string else 0
            for row, padded in zip(rows, block.values, strict=True):
                np.testing.assert_array_equal(padded[: len(row)], row)
                assert (padded[len(row) :] == filler).all()

    def test_a_block_of_no_messages_or_no_steps(self):
        reader = ColumnReader("SequenceExample", self.WANTED[:3])
        for messages in ([], [sequence_example(sequences={"tokens": []})] * 2):
            shapes = [column.values.shape for column in reader.read(messages, place, padded=True)]
            assert shapes == [(len(messages), 0, size) for size in (1, 2, 1)]

    def test_other_threads_run_meanwhile(self):
        messages = self.messages(900) * 4
        reader = ColumnReader("SequenceExample", self.WANTED[:1])
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(reader.read(messages, place)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for columns in found:
            assert_same_columns(columns, found[0])
        assert len(found) == 4

    def test_any_bytes_like_object_will_do(self):
        messages = self.messages(3)
        others = [bytearray(messages[0]), memoryview(messages[1]), messages[2]]
        for read in (
            ColumnReader("SequenceExample", self.WANTED).read,
            lambda m, p: read_columns("SequenceExample", self.WANTED, m, p),
        ):
            assert_same_columns(read(others, place), read(messages, place))
