"""Precision, recall and F1 of whole spans, such as names, that tags of steps describe."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Integer
from torch import Tensor

from varlen.metrics._blocks import check_predictions_and_targets, live_mask, real_classes
from varlen.metrics._f1 import F1
from varlen.metrics._hits import Hits


class Span(NamedTuple):
    """Steps from `begin` to before `end` that are one thing of a kind."""

    kind: str
    begin: int
    end: int


def bio_spans(tags: Sequence[str]) -> list[Span]:
    """The spans of a sequence in the BIO scheme.

    "B-X" begins a span of kind X, "I-X" goes on with it, and "O" is outside of any. An "I-X"
    that follows no span of its kind begins one, as in the evaluation of CoNLL-2000 and 2003.

    >>> bio_spans(["B-PER", "I-PER", "O", "I-LOC"])
    [Span(kind='PER', begin=0, end=2), Span(kind='LOC', begin=3, end=4)]

    Raises:
        ValueError: a tag that is none of these.
    """
    return list(_spans([_parts(tag) for tag in tags]))


@torch.no_grad()
def span_f1(
    predictions: Integer[Tensor, "batch time"],
    targets: Integer[Tensor, "batch time"],
    lengths: Any,
    *,
    tags: Sequence[str],
) -> F1:
    """Counts, for each kind, the spans that were predicted, are there, or both.

    A span is right if its kind, its beginning and its end are. What stands at or past a row's
    length is not looked at, and no span goes on from a row to the next.

    Args:
        predictions: classes, such as `logits.argmax(-1)`, of any integer type.
        targets: classes.
        lengths: `[batch]`, a list, array or tensor of any integer type.
        tags: the tag of each class, in the BIO scheme: see `bio_spans`.

    Returns:
        Counts with the kinds as labels.

    Raises:
        TypeError: classes or lengths are not integers.
        ValueError: shapes that do not fit, a length out of range, a tag that is not of the BIO
            scheme, or what is no class at a real step.
    """
    check_predictions_and_targets(predictions, targets)
    parts = [_parts(tag) for tag in tags]
    live = live_mask(targets, lengths)
    said = real_classes(predictions, live, len(tags), argument="predictions")
    meant = real_classes(targets, live, len(tags), argument="targets")
    predicted, actual, correct = Counter[str](), Counter[str](), Counter[str]()
    begin = 0
    for length in live.sum(1).tolist():
        row = slice(begin, begin + length)
        its_said = set(_spans([parts[c] for c in said[row]]))
        its_meant = set(_spans([parts[c] for c in meant[row]]))
        predicted.update(span.kind for span in its_said)
        actual.update(span.kind for span in its_meant)
        correct.update(span.kind for span in its_said & its_meant)
        begin += length
    kinds = sorted({*predicted, *actual})
    return F1({kind: Hits(correct[kind], predicted[kind], actual[kind]) for kind in kinds})


def _spans(tags: Sequence[tuple[str, str]]) -> Iterator[Span]:
    begin = 0
    kind = ""
    for t, (position, its_kind) in enumerate([*tags, ("O", "")]):
        if position == "I" and its_kind == kind:
            continue
        if kind:
            yield Span(kind, begin, t)
        begin, kind = t, its_kind


def _parts(tag: str) -> tuple[str, str]:
    """Position and kind; "O" has no kind."""
    position, dash, kind = tag.partition("-")
    if tag != "O" and not (position in ("B", "I") and dash and kind):
        raise ValueError(f"tags: expected 'O', or 'B-' or 'I-' and a kind, found {tag!r}")
    return position, kind
