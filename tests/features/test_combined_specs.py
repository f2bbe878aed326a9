import pytest
import torch

from varlen import RaggedFeature, SparseFeature, float32, int64, string

PARTITIONS = [
    RaggedFeature.RowSplits,
    RaggedFeature.RowLengths,
    RaggedFeature.RowStarts,
    RaggedFeature.RowLimits,
    RaggedFeature.ValueRowIds,
]


class TestSparseFeature:
    def test_is_a_value(self):
        one = SparseFeature("idx", "val", float32, 6)
        assert one == SparseFeature("idx", "val", torch.float32, 6, already_sorted=False)
        two = SparseFeature(["a", "b"], "val", float32, [2, 3])
        assert hash(two) == hash(SparseFeature(("a", "b"), "val", float32, (2, 3)))
        assert one != two

    def test_prints_as_the_call_that_makes_it(self):
        spec = SparseFeature(["a", "b"], "val", string, [2, 3], already_sorted=True)
        assert repr(spec) == (
            "SparseFeature(index_key=('a', 'b'), value_key='val', dtype=string, size=(2, 3), "
            "already_sorted=True)"
        )
        assert eval(repr(spec), {"SparseFeature": SparseFeature, "string": string}) == spec

    @pytest.mark.wrong_types
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (("i", "v", "int32", 3), TypeError, "dtype: expected int64, float32 or string"),
            (("i", 3, int64, 3), TypeError, "value_key: expected the name of a feature, found 3"),
            ((["i", 1], "v", int64, [3, 3]), TypeError, "index_key: expected the name of .* 1"),
            (("i", "v", int64, 1.5), TypeError, "size: expected a whole number, found 1.5"),
            (("i", "v", int64, -1), ValueError, "size: expected at least 0, found -1"),
            ((["i"], "v", int64, 3), ValueError, r"one size for each .* found 3 for \('i',\)"),
            (("i", "v", int64, [3]), ValueError, r"one size for each .* found \(3,\) for 'i'"),
            ((["a", "b"], "v", int64, [3]), ValueError, "one size for each index key"),
            (([], "v", int64, []), ValueError, "one size for each index key"),
        ],
    )
    def test_that_cannot_be(self, arguments, error, message):
        with pytest.raises(error, match=message):
            SparseFeature(*arguments)


class TestRaggedFeature:
    def test_is_a_value(self):
        spec = RaggedFeature(float32, "v", [RaggedFeature.RowSplits("s")])
        assert spec == RaggedFeature("float32", "v", (RaggedFeature.RowSplits("s"),))
        assert hash(spec) == hash(RaggedFeature("float32", "v", (RaggedFeature.RowSplits("s"),)))
        assert spec.row_splits_dtype == "int32"

    @pytest.mark.parametrize("one", PARTITIONS)
    def test_partitions_of_one_key_differ(self, one):
        equal = [other for other in PARTITIONS if one("k") == other("k")]
        assert equal == [one]

    def test_prints_as_the_call_that_makes_it(self):
        spec = RaggedFeature(
            int64, None, [RaggedFeature.UniformRowLength(2)], torch.int64, validate=True
        )
        assert repr(spec) == (
            "RaggedFeature(dtype=int64, partitions=(UniformRowLength(length=2),), "
            "row_splits_dtype=int64, validate=True)"
        )

    @pytest.mark.wrong_types
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (("float64",), TypeError, "dtype: expected int64, float32 or string, found float64"),
            ((int64, 3), TypeError, "value_key: expected the name of a feature, found 3"),
            ((int64, "v", ["splits"]), TypeError, "partitions: expected RaggedFeature.RowSplits"),
            ((int64, "v", [], float), TypeError, "row_splits_dtype: expected int32 or int64"),
        ],
    )
    def test_that_cannot_be(self, arguments, error, message):
        with pytest.raises(error, match=message):
            RaggedFeature(*arguments)

    @pytest.mark.wrong_types
    @pytest.mark.parametrize(
        ("length", "error", "message"),
        [(0, ValueError, "length: expected at least 1, found 0"), (1.0, TypeError, "found 1.0")],
    )
    def test_uniform_lengths_that_cannot_be(self, length, error, message):
        with pytest.raises(error, match=message):
            RaggedFeature.UniformRowLength(length)

    @pytest.mark.wrong_types
    @pytest.mark.parametrize("partition", PARTITIONS)
    def test_keys_that_cannot_be(self, partition):
        message = f"{partition.__name__}: key: expected the name of a feature, found 3"
        with pytest.raises(TypeError, match=message):
            RaggedFeature(int64, "v", [partition(3)])
