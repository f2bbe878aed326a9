import math

import pytest
import torch

from varlen.metrics import F1, Hits, class_f1

LENGTHS = [4, 0, 2]
PREDICTIONS = torch.tensor([[0, 1, 1, 2], [9, 9, 9, 9], [0, 0, -1, 9]])
TARGETS = torch.tensor([[0, 1, 2, 2], [-1, -1, 9, 9], [1, 0, 9, 0]])


def test_counts_are_those_of_a_plain_loop():
    found = class_f1(PREDICTIONS, TARGETS, LENGTHS, num_classes=4)
    assert found.by_label == {0: Hits(2, 3, 2), 1: Hits(1, 2, 2), 2: Hits(1, 1, 2)}
    assert found[3] == Hits(0, 0, 0)
    assert found.micro == Hits(4, 6, 6)


def test_scores():
    hits = Hits(correct=2, predicted=3, actual=4)
    assert hits.precision == 2 / 3
    assert hits.recall == 2 / 4
    assert math.isclose(hits.f1, 2 / (3 / 2 + 4 / 2))
    found = F1({0: hits, 1: Hits(0, 1, 0)})
    assert math.isclose(found.macro, hits.f1 / 2)
    assert math.isclose(found.micro.f1, 2 * 2 / (4 + 4))


def test_there_is_no_score_of_nothing():
    assert all(map(math.isnan, (Hits().precision, Hits().recall, Hits().f1, F1().macro)))
    assert class_f1(PREDICTIONS, TARGETS, [0, 0, 0], num_classes=4) == F1()


def test_batches_add_up_by_label():
    assert F1({0: Hits(1, 1, 2)}) + F1({1: Hits(0, 1, 1), 0: Hits(1, 2, 1)}) == F1(
        {0: Hits(2, 3, 3), 1: Hits(0, 1, 1)}
    )
    assert sum([F1(), F1({0: Hits(1, 1, 1)})], F1()) == F1({0: Hits(1, 1, 1)})


@pytest.mark.wrong_types
def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r"found shapes \(3, 3\) and \(3, 4\)"):
        class_f1(PREDICTIONS[:, :3], TARGETS, LENGTHS, num_classes=4)
    with pytest.raises(TypeError, match=r"predictions: expected integers, found torch.float32"):
        class_f1(PREDICTIONS.float(), TARGETS, LENGTHS, num_classes=4)
    with pytest.raises(ValueError, match=r"predictions: .* 0 to 1, found 2 in row 0 at step 3"):
        class_f1(PREDICTIONS, TARGETS, LENGTHS, num_classes=2)
    with pytest.raises(ValueError, match=r"targets: .* found -1 in row 1 at step 0"):
        class_f1(PREDICTIONS.clamp(0, 3), TARGETS, [4, 1, 2], num_classes=4)
