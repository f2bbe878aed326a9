import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from varlen import LinearChainCRF, masked_cross_entropy

LENGTHS = [3, 0, 4, 1, 2]


def random_crf(num_classes=3):
    torch.manual_seed(0)
    crf = LinearChainCRF(num_classes, dtype=torch.float64)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    scores = torch.randn(5, 5, num_classes, dtype=torch.float64)
    targets = torch.randint(num_classes, (5, 5))
    for row, length in enumerate(LENGTHS):
        scores[row, length:] = math.nan
        targets[row, length:] = 99
    return crf, scores, targets


def path_score(crf, scores, path):
    score = crf.start[path[0]] + crf.end[path[-1]]
    score = score + sum(scores[t, c] for t, c in enumerate(path))
    return score + sum(crf.transitions[a, b] for a, b in itertools.pairwise(path))


def all_paths(crf, scores):
    paths = itertools.product(range(crf.num_classes), repeat=len(scores))
    return {path: path_score(crf, scores, path) for path in paths}


@pytest.mark.parametrize("num_classes", [1, 3])
def test_losses_are_those_of_all_paths(num_classes):
    crf, scores, targets = random_crf(num_classes)
    losses = crf(scores, targets, LENGTHS, reduction="none")
    for row, length in enumerate(LENGTHS):
        if not length:
            assert losses[row] == 0
            continue
        of_paths = all_paths(crf, scores[row, :length])
        partition = torch.stack(list(of_paths.values())).logsumexp(0)
        expected = partition - of_paths[tuple(targets[row, :length].tolist())]
        assert_close(losses[row], expected)


@pytest.mark.parametrize("num_classes", [1, 3])
def test_the_decoded_path_is_the_best_of_all(num_classes):
    crf, scores, _ = random_crf(num_classes)
    paths, best = crf.decode(scores, LENGTHS)
    assert paths.dtype == torch.int64
    for row, length in enumerate(LENGTHS):
        assert (paths[row, length:] == 0).all()
        if not length:
            assert best[row] == 0
            continue
        of_paths = all_paths(crf, scores[row, :length])
        assert tuple(paths[row, :length].tolist()) == max(of_paths, key=of_paths.get)
        assert_close(best[row], max(of_paths.values()).detach())


def test_reductions():
    crf, scores, targets = random_crf()
    rows = crf(scores, targets, LENGTHS, reduction="none")
    lengths = torch.tensor(LENGTHS)
    means = (rows / lengths.clamp(min=1)).sum()
    assert_close(crf(scores, targets, LENGTHS), means / 4)
    assert_close(crf(scores, targets, LENGTHS, reduction="token"), rows.sum() / 10)
    assert_close(crf(scores, targets, LENGTHS, reduction="sum"), rows.sum())
    assert_close(crf(scores, targets, LENGTHS, total=8), means / 8)


def test_gradients_are_true():
    crf, scores, targets = random_crf()
    whole = scores.nan_to_num().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda scores, *_: crf(scores, targets, LENGTHS), (whole, *crf.parameters())
    )


def test_a_new_one_is_cross_entropy_of_each_step():
    _, scores, targets = random_crf()
    crf = LinearChainCRF(3, dtype=torch.float64)
    assert_close(crf(scores, targets, LENGTHS), masked_cross_entropy(scores, targets, LENGTHS))


def test_a_forbidden_transition_is_not_taken():
    crf, scores, targets = random_crf()
    with torch.no_grad():
        crf.transitions[0, 1] = -1e4
        scores[0, :3] = torch.tensor([[50.0, 0, 0], [0, 50, 0], [0, 0, 50]])
    paths, _ = crf.decode(scores, LENGTHS)
    assert (0, 1) not in itertools.pairwise(paths[0, :3].tolist())
    loss = crf(scores, targets.clamp(max=0), LENGTHS)
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in crf.parameters())


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (2, 3)])
def test_a_batch_of_only_empty_sequences_has_no_loss(shape):
    crf = LinearChainCRF(4)
    scores = torch.full((*shape, 4), math.nan, requires_grad=True)
    loss = crf(scores, torch.full(shape, 7), [0] * shape[0])
    loss.backward()
    assert loss == 0
    assert (scores.grad == 0).all()
    assert all((parameter.grad == 0).all() for parameter in crf.parameters())
    paths, best = crf.decode(scores, [0] * shape[0])
    assert paths.shape == shape
    assert (paths == 0).all()
    assert best.tolist() == [0] * shape[0]


def test_what_does_not_fit():
    crf, scores, targets = random_crf()
    with pytest.raises(ValueError, match=r"LinearChainCRF: num_classes: .* at least 1, found 0"):
        LinearChainCRF(0)
    with pytest.raises(ValueError, match=r"scores: expected 3 classes, found shape \(5, 5, 2\)"):
        crf(scores[..., :2], targets, LENGTHS)
    targets[2, 3] = 3
    with pytest.raises(ValueError, match="from 0 to 2, found 3 in row 2 at step 3"):
        crf(scores, targets, LENGTHS)
    with pytest.raises(ValueError, match="found 6 in row 0"):
        crf.decode(scores, [6, 0, 0, 0, 0])


@pytest.mark.parametrize("num_classes", [1, 3])
@pytest.mark.parametrize("inference", [False, True])
def test_marginals_are_those_of_all_paths(num_classes, inference):
    crf, scores, _ = random_crf(num_classes)
    with torch.inference_mode(inference):
        marginals = crf.marginals(scores * 1, torch.tensor(LENGTHS) * 1)
    assert marginals.dtype == scores.dtype
    assert not marginals.requires_grad
    expected = torch.zeros_like(scores)
    for row, length in enumerate(LENGTHS):
        of_paths = all_paths(crf, scores[row, :length]) if length else {}
        total = torch.stack([*of_paths.values(), torch.tensor(-math.inf).double()]).logsumexp(0)
        for path, score in of_paths.items():
            for t, c in enumerate(path):
                expected[row, t, c] += (score - total).exp().detach()
    assert_close(marginals, expected)


def test_marginals_of_half_precision_and_of_no_steps():
    crf = LinearChainCRF(2)
    marginals = crf.marginals(torch.tensor([[[0.0, 1.0]]]).bfloat16(), [1])
    assert_close(marginals[0, 0], torch.tensor([0.0, 1.0]).softmax(0), atol=1e-6, rtol=0)
    assert crf.marginals(torch.zeros(2, 3, 2), [0, 0]).abs().sum() == 0
    assert crf.marginals(torch.zeros(2, 0, 2), [0, 0]).shape == (2, 0, 2)
