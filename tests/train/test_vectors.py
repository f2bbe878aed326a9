"""Vectors of numbers as inputs."""

import numpy as np
import torch

from varlen.sequences import JaggedSequence
from varlen.train.inputs import Inputs
from varlen.train.inputs._vectors import VectorFitting


def test_noise_is_added_while_learning_only() -> None:
    fitting = VectorFitting((3,), is_float=True)
    fitting.add(np.random.default_rng(0).normal(size=(50, 3)))
    layer = Inputs({"values": fitting.encoder()}).layer(noise=0.5)
    vectors = torch.zeros(20_000, 3)
    batch = {"values": JaggedSequence(vectors, torch.tensor([20_000]))}
    learned = layer.train()(batch)
    assert abs(float(learned.mean())) < 0.01
    assert abs(float(learned.std()) - 0.5) < 0.01
    assert torch.equal(layer.eval()(batch), vectors)
