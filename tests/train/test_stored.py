import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.testing import assert_close

from varlen.train._stored import read_tensors, write_tensors

TENSORS = {
    "words": torch.randn(3, 5).T,  # not contiguous
    "count": torch.tensor(7),
    "none": torch.zeros(0, 4),
    "half": torch.randn(3).bfloat16(),
    "half of it": torch.randn(1).half(),
    "live": torch.tensor([True, False, True]),
    "bytes": torch.arange(5, dtype=torch.uint8),
    "double": torch.randn(2, dtype=torch.float64),
    "small": torch.tensor([-1, 2], dtype=torch.int16),
}


def test_the_package_reads_what_is_written(tmp_path):
    write_tensors(tmp_path / "t.safetensors", TENSORS, {"step": 1, "name": "é"})
    found = safetensors.torch.load_file(tmp_path / "t.safetensors")
    ours, about = read_tensors(tmp_path / "t.safetensors")
    assert about == {"step": 1, "name": "é"}
    assert found.keys() == ours.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert_close(found[name], tensor, rtol=0, atol=0)
        assert_close(ours[name], tensor, rtol=0, atol=0)


def test_what_the_package_writes_is_read(tmp_path):
    whole = {name: tensor.contiguous() for name, tensor in TENSORS.items()}
    write_tensors(tmp_path / "ours", whole, {})
    with safetensors.safe_open(tmp_path / "ours", framework="pt") as file:
        metadata = file.metadata()
    safetensors.torch.save_file(whole, tmp_path / "theirs", metadata)
    found, _ = read_tensors(tmp_path / "theirs")
    for name, tensor in whole.items():
        assert_close(found[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("order", [1, -1])
def test_numbers_lie_where_their_size_divides(tmp_path, order):
    path = tmp_path / "t.safetensors"
    write_tensors(path, dict([*TENSORS.items()][::order]), {})
    contents = path.read_bytes()
    size = int.from_bytes(contents[:8], "little")
    assert size % 8 == 0
    header = json.loads(contents[8 : 8 + size])
    for name, tensor in TENSORS.items():
        begin, end = header[name]["data_offsets"]
        assert begin % tensor.itemsize == 0
        assert end - begin == tensor.nbytes


def test_tensors_are_not_copied(tmp_path):
    large = {"a": torch.zeros(2**23), "b": torch.zeros(2**23)}  # 64 MiB

    def peak():
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is held now
    before = peak()
    write_tensors(tmp_path / "t.safetensors", large, {})
    assert peak() - before < 16 * 1024
