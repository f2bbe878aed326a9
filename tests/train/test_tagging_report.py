import numpy as np
import pytest

from varlen.train import TaggingReport


def test_the_figures_are_those_of_the_counts():
    true = [0, 0, 0, 1, 1, 2]
    given = [0, 0, 1, 1, 0, 2]
    confusion = np.zeros((4, 4), np.int64)
    np.add.at(confusion, (true, given), 1)
    report = TaggingReport(("A", "B", "C", "D"), confusion, 3, 1)
    assert report.num_words == 6
    assert report.accuracy == 4 / 6
    assert report.unknown_accuracy == 1 / 3
    assert report.by_tag() == [
        ("A", 2 / 3, 2 / 3, 2 / 3, 3),
        ("B", 0.5, 0.5, 0.5, 2),
        ("C", 1.0, 1.0, 1.0, 1),
    ]


def test_f1_is_the_harmonic_mean():
    report = TaggingReport(("A", "B"), np.array([[1, 3], [0, 4]]), 0, 0)
    for row in report.by_tag():
        expected = 2 * row.precision * row.recall / (row.precision + row.recall)
        assert row.f1 == pytest.approx(expected, rel=1e-15)


def test_a_share_of_nothing_is_zero():
    report = TaggingReport(("A", "B"), np.array([[0, 2], [0, 0]]), 0, 0)
    assert report.by_tag() == [("A", 0.0, 0.0, 0.0, 2), ("B", 0.0, 0.0, 0.0, 0)]
    assert report.accuracy == report.unknown_accuracy == 0.0
