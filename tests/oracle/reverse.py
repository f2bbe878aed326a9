"""`reverse_sequence`: values and the gradient."""

import torch

from varlen.rnn import reverse_sequence

from .case import Case, assert_equal


def covers(case: Case) -> None:
    assert case.entry["api"] == "tf.reverse_sequence"


def run(case: Case) -> None:
    x = torch.from_numpy(case.arrays["x"])
    x.requires_grad_(x.is_floating_point())
    out = reverse_sequence(x, case.arrays["sequence_length"], **case.entry["kwargs"])
    assert out.dtype == x.dtype
    assert_equal(out.detach(), case.arrays["out"], "out")
    if "grad_x" in case.arrays:
        (out * torch.from_numpy(case.arrays["w_out"])).sum().backward()
        assert_equal(x.grad, case.arrays["grad_x"], "gradient of x")
