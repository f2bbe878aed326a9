import numpy as np
import pytest

from varlen import CheckpointError
from varlen.train import WordEncoder

VIEWS = [
    "form",
    "prefix_1",
    "prefix_2",
    "prefix_3",
    "suffix_1",
    "suffix_2",
    "suffix_3",
    "suffix_4",
    "shape",
]
WORDS = ["Running", "jumping", "singing", "Running", "U.S.A.", "1999"]


def views(encoder, word):
    return dict(zip(VIEWS, encoder.encode([word])[0].tolist(), strict=True))


def test_a_word_is_a_row_of_numbers_below_the_sizes():
    encoder = WordEncoder.count(WORDS)
    rows = encoder.encode(WORDS)
    assert rows.shape == (len(WORDS), len(VIEWS))
    assert rows.dtype == np.int64
    assert (rows >= 0).all()
    assert (rows < encoder.sizes).all()
    np.testing.assert_array_equal(rows[0], rows[3])
    assert (rows[:, 0] > 0).all()


def test_an_unknown_word_keeps_the_views_that_are_known():
    encoder = WordEncoder.count(WORDS)
    unknown = views(encoder, "thinking")
    known = views(encoder, "jumping")
    assert unknown["form"] == 0
    assert unknown["suffix_3"] == known["suffix_3"] > 0
    assert unknown["shape"] == known["shape"]
    assert "thinking" not in encoder
    assert "jumping" in encoder


def test_the_form_is_known_whatever_its_capitals_but_the_shape_differs():
    encoder = WordEncoder.count(["the", "the", "the", "The", "Cat", "Dog"])
    assert views(encoder, "The")["form"] == views(encoder, "the")["form"] > 0
    assert "THE" in encoder
    assert views(encoder, "The")["shape"] != views(encoder, "the")["shape"]


def test_parts_that_are_rare_are_not_known():
    encoder = WordEncoder.count(["abc", "abd", "abe"])
    assert views(encoder, "abc")["prefix_2"] > 0
    assert views(encoder, "abc")["prefix_3"] == 0


def test_no_words_are_no_rows():
    encoder = WordEncoder.count(WORDS)
    assert encoder.encode([]).shape == (0, len(VIEWS))
    assert encoder.encode([""]).shape == (1, len(VIEWS))


def test_storing_and_loading_keeps_every_number():
    encoder = WordEncoder.count(WORDS)
    again = WordEncoder.from_json(encoder.to_json())
    assert again == encoder
    np.testing.assert_array_equal(again.encode(WORDS), encoder.encode(WORDS))


def test_other_views_are_refused():
    stored = WordEncoder.count(WORDS).to_json()
    del stored["shape"]
    with pytest.raises(CheckpointError, match=r"expected the views form, .*shape of a word"):
        WordEncoder.from_json(stored)
