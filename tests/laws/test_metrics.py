"""Every public metric is held to the laws."""

from dataclasses import is_dataclass
from inspect import isclass, isfunction

import pytest
import torch

from varlen import metrics, testing
from varlen.metrics import accuracy, class_f1, edit_distance, perplexity, span_f1

TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]
NO_METRICS = {"bio_spans"}


def scores_and_classes(n):
    return torch.randn(n, 4), torch.randint(4, (n,))


def two_tags(n):
    return torch.randint(5, (n,)), torch.randint(5, (n,))


def two_sequences(n):
    return torch.randint(3, (n,)), torch.randint(3, (n // 2 + (n > 0),))


METRICS = {
    "accuracy": (lambda a, b: accuracy(a.data, *b), scores_and_classes),
    "perplexity": (lambda a, b: perplexity(a.data, *b), scores_and_classes),
    "class_f1": (lambda a, b: class_f1(a.data, *b, num_classes=5), two_tags),
    "span_f1": (lambda a, b: span_f1(a.data, *b, tags=TAGS), two_tags),
    "edit_distance": (lambda a, b: edit_distance(*a, *b), two_sequences),
}


def test_no_public_metric_is_forgotten():
    public = {name: getattr(metrics, name) for name in metrics.__all__}
    functions = {name for name, value in public.items() if isfunction(value)}
    assert functions - NO_METRICS == set(METRICS)
    assert all(is_dataclass(v) or v is metrics.Span for v in public.values() if isclass(v))


@pytest.mark.parametrize(("metric", "make_row"), METRICS.values(), ids=METRICS)
def test_laws_hold(metric, make_row):
    for seed in range(3):
        testing.check_metric(metric, make_row, seed=seed)


def looks_at_padding(a, b):
    return accuracy(a.data, b.data, [b.data.shape[1]] * len(b.data))


def counts_rows(a, b):
    found = accuracy(a.data, *b)
    return metrics.Accuracy(found.correct, found.total + len(b.data))


def looks_at_the_first_row(a, b):
    return accuracy(a.data[:1], b.data[:1], b.lengths[:1])


@pytest.mark.parametrize(
    ("metric", "law"),
    [
        (looks_at_padding, "padding is invisible"),
        (counts_rows, "rows without steps change nothing"),
        (looks_at_the_first_row, "order of the batch|add up"),
    ],
)
def test_a_broken_metric_is_caught(metric, law):
    with pytest.raises(AssertionError, match=law):
        testing.check_metric(metric, scores_and_classes)
