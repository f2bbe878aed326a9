import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.testing import assert_close

from varlen.train._stored import read_tensors, write_tensors, write_whole

TENSORS = {
    "words": torch.randn(3, 5).T,  # not contiguous
    "count": torch.tensor(7),
    "none": torch.zeros(0, 4),
    "half": torch.randn(3).bfloat16(),
    "live": torch.tensor([True, False, True]),
    "bytes": torch.arange(5, dtype=torch.uint8),
    "double": torch.randn(2, dtype=torch.float64),
}


def write_file(path):
    write_whole(path, b"contents")


def write_weights(path):
    write_tensors(path, TENSORS, {})


def test_what_is_written_is_read_by_us_and_by_the_package(tmp_path):
    path = tmp_path / "t.safetensors"
    write_tensors(path, TENSORS, {"step": 1, "name": "é"})
    ours, about = read_tensors(path)
    assert about == {"step": 1, "name": "é"}
    for found in (ours, safetensors.torch.load_file(path)):
        assert found.keys() == TENSORS.keys()
        for name, tensor in TENSORS.items():
            assert_close(found[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("write", [write_file, write_weights])
def test_files_are_for_whom_the_user_lets_read(tmp_path, write):
    before = os.umask(0o027)
    try:
        write(tmp_path / "new")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("write", [write_file, write_weights])
@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_killed_process_left_is_no_hindrance(tmp_path, write, is_folder):
    left = tmp_path / ".new.partial"
    if is_folder:
        left.mkdir()
        left = left / ".tmpab12cd"
    left.write_bytes(b"half")
    write(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("write", [write_file, write_weights])
def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path, write):
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: .*/gone/new"):
        write(tmp_path / "gone" / "new")
    (tmp_path / "new").mkdir()
    with pytest.raises(IsADirectoryError, match=r"Is a directory: .*/new"):
        write(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_errors_of_the_package_are_those_of_the_system(tmp_path, monkeypatch):
    def fail(*arguments):
        raise safetensors.SafetensorError("Error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    write_whole(tmp_path / "t", b"before")
    with pytest.raises(OSError, match=r"\[Errno 28\] No space left on device: .*/t'"):
        write_weights(tmp_path / "t")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def test_tensors_are_not_copied(tmp_path):
    large = {"a": torch.zeros(2**23), "b": torch.zeros(2**23)}  # 64 MiB

    def peak():
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is held now
    before = peak()
    write_tensors(tmp_path / "t.safetensors", large, {})
    assert peak() - before < 16 * 1024
