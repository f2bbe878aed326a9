import warnings
import zipfile

import numpy as np
import pytest

from formats.rows import features, ignore
from varlen.errors import CorruptRecordError, FeatureError
from varlen.formats import read_npz


def read(tmp_path, save=np.savez_compressed, **arrays):
    save(tmp_path / "a.npz", **arrays)
    return list(read_npz([str(tmp_path / "a.npz")], ignore))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_sequences_end_to_end(tmp_path, save):
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    rows = read(
        tmp_path,
        save,
        values=values,
        words=np.array(["a", "b", "é", "d", "", "f"]),
        lengths=np.array([2, 0, 4], np.int32),
        label=np.array([7, 8, 9], np.int8),
    )
    assert list(map(features, rows)) == [
        {"label": 7, "values": values[:2].tolist(), "words": ["a", "b"]},
        {"label": 8, "values": [], "words": []},
        {"label": 9, "values": values[2:].tolist(), "words": ["é", "d", "", "f"]},
    ]
    assert [set(row.context) for row in rows] == [{"label"}] * 3
    assert rows[2].place.endswith("a.npz, record 2")


def test_padded_sequences(tmp_path):
    padded = np.arange(24).reshape(2, 4, 3)
    rows = read(tmp_path, x=padded, mask=np.ones((2, 5), bool), lengths=np.array([3, 1]))
    assert features(rows[0]) == {"x": padded[0, :3].tolist(), "mask": [True] * 3}
    assert features(rows[1]) == {"x": padded[1, :1].tolist(), "mask": [True]}


def test_without_lengths_all_sequences_are_full(tmp_path):
    x = np.arange(12).reshape(3, 4)
    rows = read(tmp_path, x=x, y=np.array([0.5, 1, 2]))
    assert list(map(features, rows)) == [
        {"x": row, "y": y} for row, y in zip(x.tolist(), [0.5, 1.0, 2.0], strict=True)
    ]


def test_a_vector_shorter_than_the_longest_sequence_is_context(tmp_path):
    speaker = np.arange(6).reshape(3, 2)
    rows = read(tmp_path, x=np.arange(9), speaker=speaker, length=np.array([3, 5, 1]))
    assert [row.context["speaker"].tolist() for row in rows] == speaker.tolist()
    assert [row.sequences["x"].tolist() for row in rows] == [[0, 1, 2], [3, 4, 5, 6, 7], [8]]


def test_steps_of_several_dimensions_are_flat(tmp_path):
    x = np.arange(24).reshape(3, 2, 2, 2)
    [first, second] = read(tmp_path, x=x, lengths=np.array([3, 0]))
    assert first.sequences["x"].tolist() == x.reshape(3, 8).tolist()
    assert second.sequences["x"].shape == (0, 8)


@pytest.mark.parametrize("name", ["train_{}", "{}_train"])
def test_splits_are_in_the_names(tmp_path, name):
    def named(name, **arrays):
        return {name.format(key): value for key, value in arrays.items()}

    train = named(name, x=np.arange(3), lengths=np.array([1, 2]), is_test=np.array([0, 1]))
    test = named(name.replace("train", "test"), x=np.arange(4), lengths=np.array([4]))
    with pytest.warns(UserWarning, match=r"'names' with shape \(2,\) is left out"):
        rows = read(tmp_path, **train, **test, names=np.array(["p", "q"]))
    assert [(row.split, features(row)) for row in rows] == [
        ("train", {"x": [0], "is_test": 0}),
        ("train", {"x": [1, 2], "is_test": 1}),
        ("test", {"x": [0, 1, 2, 3]}),
    ]


def test_one_name_like_that_of_a_split_is_a_name(tmp_path):
    [row] = read(tmp_path, x=np.arange(3), lengths=np.array([3]), is_test=np.array([1]))
    assert (row.split, features(row)) == (None, {"x": [0, 1, 2], "is_test": 1})


def test_columns_in_the_order_of_fortran(tmp_path):
    x = np.asfortranarray(np.arange(12).reshape(6, 2))
    rows = read(tmp_path, x=x, lengths=np.array([4, 2]))
    assert [row.sequences["x"].tolist() for row in rows] == [x[:4].tolist(), x[4:].tolist()]


def test_types_and_byte_orders(tmp_path):
    arrays = {
        "half": np.array([0.5], np.float16),
        "big": np.array([258], ">i4"),
        "raw": np.array([b"\xff"], "S2"),
        "flag": np.array([True]),
        "scalar": np.array(3),
    }
    with pytest.warns(UserWarning, match="'scalar'"):
        [row] = read(tmp_path, x=np.zeros((1, 2)), **arrays)
    assert features(row) == {"x": [0, 0], "half": 0.5, "big": 258, "raw": b"\xff", "flag": True}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.array([[1], "a"], object)}, "found Python objects, which only pickle"),
        ({"x": np.array([1j])}, "found complex128"),
        ({"x": np.array(["2020"], "M8[D]")}, r"found datetime64"),
        (
            {"x": np.zeros((2, 3)), "y": np.zeros((4, 5))},
            r"found x \(2, 3\), y \(4, 5\)\n.*\n.*need",
        ),
        ({"x": np.zeros(5), "lengths": np.array([2, 2])}, r"an array of 4 rows, .* found x \(5,\)"),
        ({"x": np.zeros((2, 3)), "lengths": np.array([4, 2])}, "an array of 6 rows"),
        ({"x": np.zeros(2), "lengths": np.array([3, -1])}, "found -1\n.*'lengths', record 1"),
        ({"x": np.zeros(2), "lengths": np.array([0.5])}, "an integer for each record"),
        ({"x": np.zeros(2), "lengths": np.array([[2]])}, "an integer for each record"),
        ({"x": np.zeros(3), "lengths": np.array([1, 0, 2])}, "cannot tell 'x'"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, arrays, message):
    with pytest.raises(FeatureError, match=message):
        read(tmp_path, **arrays)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage_is_noticed(tmp_path, save, place):
    random = np.random.default_rng(0).standard_normal(4000)
    path = tmp_path / "a.npz"
    save(path, x=random, lengths=np.array([1000] * 4))
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 255
    path.write_bytes(content)
    with pytest.raises(CorruptRecordError, match=r"a\.npz"):
        list(read_npz([str(path)], ignore))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 100])
def test_what_is_no_npz_file(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CorruptRecordError, match=r"the .npz file is damaged"):
        list(read_npz([str(tmp_path / "a.npz")], ignore))


def with_member(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
    return str(path)


def test_members_that_are_no_arrays(tmp_path):
    with pytest.raises(CorruptRecordError, match="expected an array, found none"):
        list(read_npz([with_member(tmp_path / "a.npz", b"hello")], ignore))


@pytest.mark.parametrize("shape", [(3, 10), (2**40, 8), (3, 2**40), (2**62, 2**62)])
def test_a_shape_that_claims_more_than_there_is(tmp_path, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 80
    with pytest.raises(
        (CorruptRecordError, FeatureError), match=r"found its end before|less than 2"
    ):
        list(read_npz([with_member(tmp_path / "a.npz", content)], ignore))


def test_nothing_is_warned_of_where_all_is_used(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(tmp_path, x=np.arange(3), lengths=np.array([3]))
