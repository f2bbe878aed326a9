import pytest
import torch

from varlen.metrics import F1, Hits, Span, bio_spans, span_f1

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
OUT, B_PER, I_PER, B_LOC, I_LOC = range(5)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-PER", [("PER", 0, 1)]),
        ("B-PER I-PER", [("PER", 0, 2)]),
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("O I-PER I-PER O", [("PER", 1, 3)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("B-PER O I-PER", [("PER", 0, 1), ("PER", 2, 3)]),
        ("I-LOC B-LOC I-LOC", [("LOC", 0, 1), ("LOC", 1, 3)]),
        ("B-a-b I-a-b", [("a-b", 0, 2)]),
    ],
)
def test_spans_of_tags(tags, spans):
    assert bio_spans(tags.split()) == [Span(*span) for span in spans]


def test_a_span_is_right_if_kind_and_both_ends_are():
    targets = torch.tensor(
        [
            [B_PER, I_PER, OUT, B_LOC, I_LOC],
            [B_PER, I_PER, I_PER, 77, 77],
            [-1, -1, -1, -1, -1],
            [B_LOC, 99, 99, 99, 99],
        ]
    )
    predictions = torch.tensor(
        [
            [B_PER, I_PER, OUT, B_LOC, OUT],  # one right, one too short
            [B_PER, I_PER, I_PER, I_PER, I_PER],  # right: it ends with its row
            [9, 9, 9, 9, 9],
            [B_PER, -9, -9, -9, -9],  # of the wrong kind
        ]
    )
    found = span_f1(predictions, targets, [5, 3, 0, 1], tags=TAGS)
    assert found == F1({"LOC": Hits(0, 1, 2), "PER": Hits(2, 3, 2)})
    assert found.micro == Hits(2, 4, 4)


def test_a_span_does_not_go_on_in_the_next_row():
    classes = torch.tensor([[B_PER, I_PER], [I_PER, OUT]])
    assert span_f1(classes, classes, [2, 2], tags=TAGS)["PER"] == Hits(2, 2, 2)


@pytest.mark.parametrize("tag", ["", "B", "B-", "X-PER", "o", "PER", "S-PER", "O-PER"])
def test_tags_of_other_schemes_are_refused(tag):
    with pytest.raises(ValueError, match=f"tags: expected 'O', or 'B-' .* found '{tag}'"):
        bio_spans(["O", tag])
    nothing = torch.zeros(1, 0, dtype=torch.int64)
    with pytest.raises(ValueError, match=f"found '{tag}'"):
        span_f1(nothing, nothing, [0], tags=["O", tag])


def test_what_is_no_tag_is_named():
    classes = torch.tensor([[0, 5]])
    with pytest.raises(ValueError, match=r"predictions: .* 0 to 4, found 5 in row 0 at step 1"):
        span_f1(classes, classes, [2], tags=TAGS)
