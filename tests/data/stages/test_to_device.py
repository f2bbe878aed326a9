import numpy as np
import pytest
import torch

from varlen.data import Batch, Map, Nest, Pack, Pad, Pipeline, Prefetch, ToDevice
from varlen.sequences import JaggedSequence, PaddedSequence, SparseValues

WORDS = JaggedSequence(np.array([b"a"], object), 1)
BAG = SparseValues(np.zeros((1, 1), np.int64), np.ones(1, np.float32), np.array([1]))
EXAMPLES = [
    {"id": i, "x": JaggedSequence(np.arange(n), n), "bag": BAG, "words": WORDS}
    for i, n in enumerate([2, 1, 3])
]


def moved(device, *stages):
    (batch,) = Pipeline(EXAMPLES, Batch(3), *stages, ToDevice(device))
    return batch


def test_every_tensor_is_moved():
    batch = moved("meta", Pad())
    assert isinstance(batch["x"], PaddedSequence)
    assert isinstance(batch["bag"], SparseValues)
    parts = [*batch["x"], *batch["bag"], batch["id"], batch["words"].lengths]
    assert {part.device.type for part in parts} == {"meta"}
    assert batch["words"].data.tolist() == [[b"a"]] * 3


def test_packed_and_nested_sequences_are_moved():
    packed = moved("meta", Pack())["x"]
    assert packed.data.device.type == "meta"
    assert packed.sorted_indices.device.type == "meta"
    assert packed.batch_sizes.tolist() == [3, 2, 1], "on the host, as torch wants them"
    nested = moved("meta", Nest())["x"]
    assert nested.device.type == "meta"
    assert nested.layout == torch.jagged


def test_tensors_within_lists_and_dicts_are_moved():
    stages = [Map(lambda b: {"all": [b["id"], {"too": (b["x"],)}]})]
    batch = moved("meta", Pad(), *stages)
    assert batch["all"][0].device.type == "meta"
    assert batch["all"][1]["too"][0].data.device.type == "meta"


def test_nothing_is_copied_where_it_is_already():
    sources = []
    batch = moved("cpu", Pad(), Map(lambda b: sources.append(b) or b))
    assert batch["x"].data is sources[0]["x"].data
    assert batch["id"] is sources[0]["id"]


def test_a_state_goes_to_another_device():
    pass_ = iter(Pipeline(EXAMPLES, Batch(2), Pad(), ToDevice("cpu")))
    next(pass_)
    resumed = iter(Pipeline(EXAMPLES, Batch(2), Pad(), ToDevice(torch.device("meta"))))
    resumed.load_state_dict(pass_.state_dict())
    assert [batch["id"].device.type for batch in resumed] == ["meta"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
@pytest.mark.parametrize("form", [Pad(), Pack(), Nest()])
def test_a_device_gets_what_the_host_had(form):
    here = moved("cpu", form)
    (there,) = Pipeline(EXAMPLES, Batch(3), form, ToDevice("cuda"), Prefetch(2))
    assert there["id"].device.type == "cuda"
    torch.testing.assert_close(there["id"].cpu(), here["id"])
    parts = [b["x"].unbind() if isinstance(form, Nest) else b["x"][:1] for b in (here, there)]
    for one, other in zip(*parts, strict=True):
        torch.testing.assert_close(other.cpu(), one)


def test_a_batch_without_tensors():
    with pytest.raises(
        TypeError, match=r"expected a batch with tensors, found a dict .*\n  put Pad"
    ):
        moved("cpu")
    with pytest.raises(RuntimeError, match="device"):
        ToDevice("nowhere")
