import pytest

from varlen import ConfigError
from varlen.train import split_files


def make(folder, *names):
    for name in names:
        (folder / f"{name}.tfrecord").touch()


def test_the_shards_of_a_split_in_order(tmp_path):
    make(tmp_path, "train-00001-of-00002", "train-00000-of-00002", "valid-00000-of-00001")
    assert split_files(tmp_path, "train") == [
        str(tmp_path / "train-00000-of-00002.tfrecord"),
        str(tmp_path / "train-00001-of-00002.tfrecord"),
    ]


def test_a_split_may_have_hyphens(tmp_path):
    make(tmp_path, "train-clean-00000-of-00001")
    assert len(split_files(tmp_path, "train-clean")) == 1
    with pytest.raises(ConfigError, match="no files train-"):
        split_files(tmp_path, "train")


def test_no_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"no such data folder\n  at .*gone\n  `varlen convert`"):
        split_files(tmp_path / "gone", "train")


def test_no_such_split(tmp_path):
    make(tmp_path, "train-00000-of-00001", "valid-00000-of-00001")
    with pytest.raises(ConfigError, match=r"of splits, there are: 'train', 'valid'. Did you mean"):
        split_files(tmp_path, "vaild")


def test_an_empty_folder(tmp_path):
    with pytest.raises(ConfigError, match="of splits, there are none"):
        split_files(tmp_path, "test")


def test_a_shard_is_missing(tmp_path):
    make(tmp_path, "train-00000-of-00003", "train-00002-of-00003")
    with pytest.raises(ConfigError, match=r"expected 3 shards, found 2\n.*\n.*00001-of-00003"):
        split_files(tmp_path, "train")


def test_two_sets_of_shards(tmp_path):
    make(tmp_path, "train-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002")
    with pytest.raises(ConfigError, match="in a set of 1 and of 2 shards"):
        split_files(tmp_path, "train")
