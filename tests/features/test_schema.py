import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varlen import (
    ConfigError,
    FeatureError,
    FixedLenFeature,
    FixedLenSequenceFeature,
    Schema,
    VarLenFeature,
    example,
    float32,
    int64,
    parse_example,
    parse_sequence_example,
    sequence_example,
    string,
)
from varlen.features import Extent, FeatureSchema, Profile, SequenceExample
from varlen.features._schema_check import explain
from wire_messages import MESSAGES, delimited, mutated

RECORDS = [
    sequence_example(
        {"id": "ab", "sizes": [1, 2, 3], "label": 5},
        {"tokens": [4, 9], "x": [[0.5, -1.25], [2.0, 0.1]], "words": ["é", "abc"]},
    ),
    sequence_example({"id": "abcd", "sizes": [7], "label": -5}, {"tokens": [], "x": []}),
    sequence_example({"id": "a", "sizes": [], "label": 2}, {"tokens": [1], "x": [[3.0, 0.0]]}),
]
KINDLESS = sequence_example(sequences={"a": []})


@pytest.fixture
def schema():
    return Schema.infer(RECORDS)


class TestInfer:
    def test_names_kinds_sizes_ranges_and_steps(self, schema):
        assert schema.num_records == 3
        assert schema.context == {
            "id": FeatureSchema(string, True, Extent(1, 1), None, Extent(1, 4)),
            "label": FeatureSchema(int64, True, Extent(1, 1), None, Extent(-5, 5)),
            "sizes": FeatureSchema(int64, False, Extent(1, 3), None, Extent(1, 7)),
        }
        assert schema.feature_lists == {
            "tokens": FeatureSchema(int64, True, Extent(1, 1), Extent(0, 2), Extent(1, 9)),
            "words": FeatureSchema(string, False, Extent(1, 1), Extent(2, 2), Extent(2, 3)),
            "x": FeatureSchema(
                float32, True, Extent(2, 2), Extent(0, 2), Extent(-1.25, 3.0), False
            ),
        }

    def test_nan_and_infinity(self):
        found = Schema.infer([sequence_example({"a": [float("nan"), 1.5, float("-inf")]})])
        assert found.context["a"].values == Extent(float("-inf"), 1.5)
        assert found.context["a"].nan
        only_nan = Schema.infer([sequence_example({"a": float("nan")})]).context["a"]
        assert (only_nan.values, only_nan.nan) == (None, True)

    def test_from_an_iterator_of_more_than_a_batch(self):
        records = (sequence_example({"n": n}) for n in range(2500))
        found = Schema.infer(records)
        assert (found.num_records, found.context["n"].values) == (2500, Extent(0, 2499))

    def test_without_records(self):
        assert Schema.infer([]) == Schema({}, {}, 0)

    def test_a_record_of_another_kind(self):
        records = [sequence_example({"a": 1})] * 3 + [sequence_example({"a": 0.5})]
        with pytest.raises(FeatureError, match=r"int64 \(r0\) and float32 \(r3\)\n  at context.a"):
            Schema.infer(records, [f"r{i}" for i in range(4)])

    def test_a_record_that_is_no_message(self):
        with pytest.raises(FeatureError, match=r"no SequenceExample .*\n  at message 1001"):
            Schema.infer([b""] * 1001 + [b"\xff"])

    def test_names_that_hold_data(self):
        profile = Profile()

        def add(begin, end):
            entries = [delimited(1, delimited(1, b"%d" % i)) for i in range(begin, end)]
            profile.add([delimited(1, b"".join(entries))], lambda _: "file @ byte 3")

        add(0, 100_000)
        with pytest.raises(FeatureError, match=r"at most 100,000 features.*\n  at file @ byte 3\n"):
            add(100_000, 100_001)


class TestSpecs:
    def test_fixed_where_always_the_same(self, schema):
        assert schema.context_features == {
            "id": FixedLenFeature([], string),
            "label": FixedLenFeature([], int64),
            "sizes": VarLenFeature(int64),
        }
        assert schema.sequence_features == {
            "tokens": FixedLenSequenceFeature([], int64),
            "words": FixedLenSequenceFeature([], string, allow_missing=True),
            "x": FixedLenSequenceFeature([2], float32),
        }

    def test_parse_what_they_were_inferred_from(self, schema):
        context, sequences, lengths = parse_sequence_example(
            RECORDS, schema.context_features, schema.sequence_features
        )
        assert context["id"].tolist() == [b"ab", b"abcd", b"a"]
        assert sequences["tokens"].tolist() == [[4, 9], [0, 0], [1, 0]]
        assert lengths["words"].tolist() == [2, 0, 0]

    def test_of_examples(self):
        records = [example({"a": [1, 2], "b": [0.5]}), example({"a": [3, 4], "b": []})]
        specs = Schema.infer(records).features
        assert specs == {"a": FixedLenFeature([2], int64), "b": VarLenFeature(float32)}
        assert parse_example(records, specs)["a"].tolist() == [[1, 2], [3, 4]]

    def test_of_examples_where_there_are_lists(self, schema):
        with pytest.raises(FeatureError, match=r"found feature lists: 'tokens', 'words', 'x'"):
            _ = schema.features

    def test_what_has_no_kind_is_left_out(self):
        found = Schema.infer([KINDLESS])
        assert found.feature_lists["a"] == FeatureSchema(None, True, None, Extent(0, 0))
        assert found.sequence_features == {}


@given(messages=st.lists(MESSAGES, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_whatever_is_inferred_parses_and_fits(messages):
    try:
        found = Schema.infer(messages)
    except FeatureError:  # several kinds, or malformed
        return
    found.check(messages)
    again = Schema.from_json(found.to_json())
    assert again == found
    again.check(messages)
    if found.context_features or found.sequence_features:
        parse_sequence_example(messages, found.context_features, found.sequence_features)


BOUNDS = st.sampled_from([None, Extent(1, 1), Extent(0, 2), Extent(1, 2), Extent(-100, 100)])
FEATURES = st.dictionaries(
    st.sampled_from(["", "a", "b", "é"]),
    st.builds(
        FeatureSchema,
        kind=st.sampled_from([int64, float32, string]),
        required=st.booleans(),
        num_values=BOUNDS,
        values=BOUNDS,
        nan=st.booleans(),
    ),
)


@given(
    context=FEATURES,
    lists=FEATURES,
    steps=BOUNDS,
    messages=st.lists(mutated(), min_size=1, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_what_profiles_find_is_what_messages_explain(context, lists, steps, messages):
    """The fast check, which looks at a batch as a whole, against the plain one."""
    lists = {name: replace(feature, num_steps=steps) for name, feature in lists.items()}
    sections = {"context": context, "feature_lists": lists}
    expected = [
        misfit
        for number, message in enumerate(messages)
        for misfit in explain(sections, message, number)
    ]
    assert list(Schema(context, lists).misfits(messages)) == expected


def bad_step(*values):
    made = SequenceExample.FromString(RECORDS[0])
    made.feature_lists.feature_list["tokens"].feature.add().int64_list.value.extend(values)
    return made.SerializeToString()


class TestCheck:
    @pytest.mark.parametrize(
        ("record", "path", "problem"),
        [
            (b"\xff", "", "expected a SequenceExample or an Example, found other bytes"),
            (bad_step(1, 2), "feature_lists.tokens", "expected 0 to 2 steps, found 3"),
            (
                sequence_example({"id": "a", "label": 1}, {"tokens": [1, 10], "x": []}),
                "feature_lists.tokens[1]",
                "expected a value of 1 to 9, found 10",
            ),
            (
                sequence_example({"id": "a", "label": 1}, {"tokens": [[1], [2, 3]], "x": []}),
                "feature_lists.tokens[1]",
                "expected 1 values, found 2",
            ),
            (
                sequence_example({"id": "a", "label": 1}, {"tokens": [1.5], "x": []}),
                "feature_lists.tokens[0]",
                "expected int64, found float32",
            ),
            (
                sequence_example({"id": "a", "label": 1}, {"x": []}),
                "feature_lists.tokens",
                "expected it in every record, found none",
            ),
            (
                sequence_example({"id": "abcde", "label": 1}, {"tokens": [], "x": []}),
                "context.id",
                "expected 1 to 4 bytes, found 5",
            ),
            (
                sequence_example({"id": "a", "label": 1}, {"tokens": [], "x": [[0.1, 3.1]]}),
                "feature_lists.x[0]",
                "expected a value of -1.25 to 3.0, found 3.1",
            ),
            (
                sequence_example(
                    {"id": "a", "label": 1}, {"tokens": [], "x": [[0.0, float("nan")]]}
                ),
                "feature_lists.x[0]",
                "expected no NaN, found one",
            ),
            (
                sequence_example({"id": "a", "label": 1, "lable": 2}, {"tokens": [], "x": []}),
                "context.lable",
                "expected no context feature of this name: there are: 'id', 'label', 'sizes'. "
                "Did you mean 'label'?",
            ),
        ],
    )
    def test_says_where_and_what(self, schema, record, path, problem):
        records = [*RECORDS * 100, record, *RECORDS]
        (misfit,) = schema.misfits(records)
        assert misfit == (300, path, problem)
        with pytest.raises(FeatureError) as raised:
            schema.check(records, [f"f @ byte {10 * i}" for i in range(len(records))])
        assert raised.value.problem == problem
        assert raised.value.at == "f @ byte 3000" + (f": {path}" if path else "")

    def test_every_misfit_is_found(self, schema):
        bad = sequence_example({"id": "abcde", "label": 9}, {"tokens": [], "x": []})
        misfits = list(schema.misfits([RECORDS[0], bad, RECORDS[1], b"\xff", bad]))
        assert [(misfit.message, misfit.path) for misfit in misfits] == [
            (1, "context.id"),
            (1, "context.label"),
            (3, ""),
            (4, "context.id"),
            (4, "context.label"),
        ]

    def test_what_is_left_open_is_not_checked(self):
        anything = Schema({"a": FeatureSchema(None)}, {"b": FeatureSchema(int64)})
        anything.check([sequence_example({"a": 1}), sequence_example({"a": "x"}, {"b": [1, 2]})])


class TestJson:
    def test_is_readable_and_comes_back(self, schema, tmp_path):
        path = tmp_path / "schema.json"
        schema.save(path)
        assert Schema.load(path) == schema
        assert [entry.name for entry in tmp_path.iterdir()] == ["schema.json"]
        written = json.loads(path.read_text())
        assert written["feature_lists"]["x"] == {
            "kind": "float32",
            "required": True,
            "num_steps": [0, 2],
            "num_values": 2,
            "values": [-1.25, 3.0],
            "nan": False,
        }
        assert written["context"]["id"]["num_bytes"] == [1, 4]
        assert (
            '    "label": {"kind": "int64", "required": true, "num_values": 1, "values": [-5, 5]}'
            in (path.read_text())
        )

    def test_floats_are_short_and_exact(self):
        values = np.array([0.1, 1e-45, 3.4028235e38, 16777217], np.float32)
        for value in values.tolist():
            found = Schema.infer([sequence_example({"a": value})])
            assert Schema.from_json(found.to_json()) == found
        assert '"values": 0.1,' in Schema.infer([sequence_example({"a": 0.1})]).to_json()
        infinite = Schema.infer([sequence_example({"a": [1.0, float("inf")]})])
        assert '"values": [1.0, "inf"]' in infinite.to_json()
        assert Schema.from_json(infinite.to_json()) == infinite

    def test_may_be_edited(self):
        text = '{"format": "varlen schema", "version": 1, "context": {"a": {"kind": "float32"}}}'
        expected = FeatureSchema(float32, required=False, nan=True)
        assert Schema.from_json(text) == Schema({"a": expected}, {}, 0)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "expected a schema as JSON"),
            ("[" * 100_000, "expected a schema as JSON"),
            ("[]", 'has "format": "varlen schema"'),
            ('{"format": "other"}', 'has "format": "varlen schema"'),
            (
                '{"format": "varlen schema", "version": 2}',
                "of version 1, found 2\n  at f.json\n  a",
            ),
            ('{"format": "varlen schema"}', "of version 1, found None"),
            ('{"format": "varlen schema", "version": 1, "contxt": {}}', "Did you mean 'context'"),
            ('{"format": "varlen schema", "version": 1, "num_records": -1}', "num_records: exp"),
            ('{"format": "varlen schema", "version": 1, "context": []}', "at f.json: context"),
        ],
    )
    def test_what_is_no_schema(self, text, problem):
        with pytest.raises(ConfigError, match=problem):
            Schema.from_json(text, at="f.json")

    @pytest.mark.parametrize(
        ("feature", "problem"),
        [
            ("3", "expected what a feature is like, found 3\n  at f.json: context.a"),
            ('{"kind": "float64"}', "kind: expected int64, float32, string, found 'float64'"),
            ('{"kind": 3}', "kind: expected int64, float32, string, found 3"),
            ('{"kind": "int64", "requird": true}', "'requird' is nothing that belongs here"),
            ('{"kind": "int64", "required": 1}', "required: expected true or false, found 1"),
            ('{"kind": "int64", "values": [2, 1]}', r"values: expected .*, found \[2, 1\]"),
            ('{"kind": "int64", "values": [1, 2, 3]}', "values: expected"),
            ('{"kind": "int64", "values": 1.5}', "values: expected"),
            ('{"kind": "int64", "values": true}', "values: expected"),
            ('{"kind": "float32", "values": "nan"}', "values: expected"),
            ('{"kind": "float32", "values": NaN}', "values: expected"),
            ('{"kind": "float32", "values": "1"}', "values: expected"),
            ('{"kind": "float32", "values": 1%s}' % ("0" * 400), "values: expected"),
            ('{"kind": "string", "values": 1}', "'values' is nothing"),
            ('{"kind": "int64", "num_bytes": 1}', "'num_bytes' is nothing"),
            ('{"kind": "int64", "num_steps": 1}', "'num_steps' is nothing"),
            ('{"kind": "int64", "nan": true}', "'nan' is nothing"),
            ('{"values": 1}', "'values' is nothing"),
            ('{"num_values": -1}', "num_values: expected at least 0, found -1"),
            ('{"num_values": 1, "num_values": 2}', "'num_values' is there twice"),
        ],
    )
    def test_a_feature_that_is_damaged(self, feature, problem):
        text = f'{{"format": "varlen schema", "version": 1, "context": {{"a": {feature}}}}}'
        with pytest.raises(ConfigError, match=problem):
            Schema.from_json(text, at="f.json")

    @given(cut=st.integers(0, 10_000), put=st.sampled_from(["", "x", "9", '"', "}", "\udc00"]))
    def test_damage_is_an_error_or_another_schema(self, cut, put):
        text = Schema.infer(RECORDS).to_json()
        at = cut % len(text)
        damaged = text[:at] + put + text[at + 1 :]
        try:
            found = Schema.from_json(damaged)
        except ConfigError:
            return
        assert isinstance(found, Schema)

    def test_a_file_that_cannot_be_written_leaves_nothing(self, schema, tmp_path):
        (tmp_path / "is_a_directory").mkdir()
        with pytest.raises(OSError, match="is_a_directory"):
            schema.save(tmp_path / "is_a_directory")
        assert [entry.name for entry in tmp_path.iterdir()] == ["is_a_directory"]
        with pytest.raises(FileNotFoundError, match=r"none/s\.json'$"):
            schema.save(tmp_path / "none" / "s.json")


@pytest.mark.wrong_types
@pytest.mark.parametrize("one", ["text", example({"a": 1}), bytearray(b"x")])
def test_one_record_is_no_list_of_records(one):
    for use in (Schema.infer, Schema().check):
        with pytest.raises(
            TypeError, match=f"expected a list of bytes, found {type(one).__name__}"
        ):
            use(one)
