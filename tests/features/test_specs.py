import numpy as np
import pytest
import torch

from varlen import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    VarLenFeature,
    float32,
    int64,
    string,
)

SPECS = [
    lambda dtype: FixedLenFeature([], dtype),
    lambda dtype: FixedLenSequenceFeature([], dtype),
    VarLenFeature,
]


@pytest.mark.parametrize("make", SPECS)
class TestDtypes:
    @pytest.mark.parametrize(
        ("given", "kind"),
        [
            (int64, int64),
            (np.int64, int64),
            ("int64", int64),
            (int, int64),
            (torch.int64, int64),
            (float32, float32),
            (np.float32, float32),
            (np.dtype("float32"), float32),
            (torch.float32, float32),
            (string, string),
            ("string", string),
            (bytes, string),
            (str, string),
            (np.bytes_, string),
            (object, string),
        ],
        ids=str,
    )
    def test_go_by_many_names(self, make, given, kind):
        assert make(given).dtype is kind

    @pytest.mark.parametrize(
        ("given", "name"),
        [
            (np.int32, "int32"),
            (np.float64, "float64"),
            (float, "float"),
            (torch.float64, "float64"),
            (bool, "bool"),
            ("words", "words"),
            (None, "None"),
        ],
        ids=str,
    )
    def test_that_features_do_not_have(self, make, given, name):
        with pytest.raises(
            TypeError, match=f"dtype: expected int64, float32 or string, found {name}$"
        ):
            make(given)


def test_are_values():
    spec = FixedLenFeature([2], int64, np.array([1, 2]))
    assert spec == FixedLenFeature((2,), "int64", (1, 2))
    assert hash(spec) == hash(FixedLenFeature([2], int64, [1, 2]))
    assert spec != FixedLenFeature([2], int64)
    with pytest.raises(AttributeError):
        spec.shape = ()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (FixedLenFeature([], int64), "FixedLenFeature(shape=(), dtype=int64)"),
        (
            FixedLenFeature([2, 1], bytes, [["a"], [b"b"]]),
            "FixedLenFeature(shape=(2, 1), dtype=string, default_value=((b'a',), (b'b',)))",
        ),
        (
            FixedLenSequenceFeature([3], float32, allow_missing=True),
            "FixedLenSequenceFeature(shape=(3,), dtype=float32, allow_missing=True)",
        ),
        (VarLenFeature(string), "VarLenFeature(dtype=string)"),
    ],
)
def test_print_as_the_call_that_makes_them(spec, text):
    assert repr(spec) == str(spec) == text
    names = {"int64": int64, "float32": float32, "string": string}
    assert eval(text, {type(spec).__name__: type(spec), **names}) == spec


@pytest.mark.wrong_types
@pytest.mark.parametrize("make", [FixedLenFeature, FixedLenSequenceFeature])
@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ([None], ValueError, r"shape: expected sizes that are all known, found \[None\]"),
        ([2, -1], ValueError, "shape: expected sizes that are all known, found -1"),
        (None, TypeError, "shape: expected a list or tuple of sizes, found None"),
        (3, TypeError, "shape: expected a list or tuple of sizes, found 3"),
        ([2.0], TypeError, "shape: expected whole numbers, found 2.0"),
        ([True], TypeError, "shape: expected whole numbers, found True"),
    ],
)
def test_shapes_that_cannot_be(make, shape, error, message):
    with pytest.raises(error, match=message):
        make(shape, int64)


class TestDefaults:
    @pytest.mark.parametrize(
        ("shape", "dtype", "given", "kept"),
        [
            ([], int64, -1, -1),
            ([], float32, 1, 1.0),
            ([], float32, 0.1, float(np.float32(0.1))),
            ([], float32, float("inf"), float("inf")),
            ([], int64, np.uint8(200), 200),
            ([], string, "é", "é".encode()),
            ([2, 2], int64, [[1, 2], [3, 4]], ((1, 2), (3, 4))),
            ([2, 2], int64, [1, 2, 3, 4], (1, 2, 3, 4)),
            ([1], int64, 5, 5),
            ([0], int64, [], ()),
            ([2], string, [b"a\0", b""], (b"a\0", b"")),
        ],
    )
    def test_are_kept_as_plain_values(self, shape, dtype, given, kept):
        default = FixedLenFeature(shape, dtype, given).default_value
        assert default == kept
        assert type(default) is type(kept)

    @pytest.mark.parametrize(
        ("shape", "dtype", "given", "error", "message"),
        [
            ([2], int64, [1, 2, 3], ValueError, r"expected 2 values to fill .*\(2,\), found 3"),
            ([], int64, [], ValueError, r"expected 1 values to fill shape \(\), found 0"),
            ([], int64, 2**63, ValueError, "expected int64, found 9223372036854775808"),
            ([], int64, -(10**30), ValueError, "expected int64, found -10"),
            ([], float32, 1e39, ValueError, r"expected float32, found 1e\+39"),
            ([], int64, 1.0, TypeError, "expected int64, found 1.0"),
            ([], int64, True, TypeError, "expected int64, found True"),
            ([], int64, "1", TypeError, "expected int64, found '1'"),
            ([], float32, b"1", TypeError, "expected float32, found b'1'"),
            ([], string, 1, TypeError, "expected string, found 1"),
            ([2], string, ["a", None], TypeError, "expected string, found None"),
        ],
    )
    def test_that_cannot_be(self, shape, dtype, given, error, message):
        with pytest.raises(error, match=f"default_value: {message}"):
            FixedLenFeature(shape, dtype, given)

    def test_of_a_list_are_single(self):
        assert FixedLenSequenceFeature([2], int64, default_value=[7]).default_value == 7
        with pytest.raises(ValueError, match="default_value: expected a single value, found 2"):
            FixedLenSequenceFeature([2], int64, default_value=[7, 8])
