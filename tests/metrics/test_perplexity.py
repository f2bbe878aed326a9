import math

import pytest
import torch

from varlen import masked_cross_entropy
from varlen.metrics import Perplexity, perplexity

LENGTHS = [3, 0, 1]


def random_batch():
    torch.manual_seed(0)
    logits, targets = torch.randn(3, 4, 5, dtype=torch.float64), torch.randint(5, (3, 4))
    for row, length in enumerate(LENGTHS):
        logits[row, length:] = math.nan
        targets[row, length:] = 99
    return logits, targets


def test_it_is_e_to_the_mean_loss():
    logits, targets = random_batch()
    found = perplexity(logits, targets, LENGTHS)
    losses = [
        -math.log(logits[row, t].softmax(-1)[targets[row, t]])
        for row, length in enumerate(LENGTHS)
        for t in range(length)
    ]
    assert found.total == 4
    assert math.isclose(found.loss, sum(losses))
    assert math.isclose(found.value, math.prod(map(math.exp, losses)) ** (1 / 4))
    loss = masked_cross_entropy(logits, targets, LENGTHS, reduction="sum")
    assert math.isclose(Perplexity(loss.item(), sum(LENGTHS)).value, found.value)


def test_even_scores_waver_between_all_classes():
    found = perplexity(torch.zeros(2, 3, 7), torch.zeros(2, 3, dtype=torch.int64), [3, 1])
    assert math.isclose(found.value, 7, rel_tol=1e-6)


def test_ends_of_the_range():
    assert math.isnan(Perplexity().value)
    assert Perplexity(1e6, 1).value == math.inf
    assert sum([Perplexity(1.0, 2), Perplexity(), Perplexity(2.0, 1)], Perplexity()).value == math.e


@pytest.mark.wrong_types
def test_what_does_not_fit():
    logits, targets = random_batch()
    with pytest.raises(ValueError, match=r"found shapes \(3, 4, 5\) and \(3, 3\)"):
        perplexity(logits, targets[:, :3], LENGTHS)
    with pytest.raises(ValueError, match=r"targets: .* 0 to 4, found 99 in row 1 at step 0"):
        perplexity(logits, targets, [3, 1, 1])
    with pytest.raises(TypeError, match=r"targets: expected integers, found torch.float32"):
        perplexity(logits, targets.float(), LENGTHS)
