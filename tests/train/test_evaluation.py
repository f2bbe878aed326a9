from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from varlen import RecordWriter, sequence_example
from varlen.metrics import bio_spans
from varlen.train import (
    Calibration,
    Confusion,
    Dataset,
    Evaluation,
    Metric,
    build_task,
    evaluate_split,
    make_settings,
)

ACCURACY = Metric("accuracy", True, is_share=True)
LENGTHS = [3, 1, 0, 5, 2, 4, 1, 7, 2, 3, 6]


def evaluation_of(right, lengths, *, metric=ACCURACY, aims=None):
    sums = {metric.name: (np.array(right, float), np.array(lengths, float))}
    nothing = Confusion.of_keys({}, 0)
    return Evaluation((metric,), sums, np.array(lengths), (), nothing, aims=aims or {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The words of a sentence tell its number and length."""
    folder = tmp_path_factory.mktemp("data")
    tags = "ABC"
    for split in ("train", "valid", "test"):
        with RecordWriter(folder / f"{split}-00000-of-00001.tfrecord") as writer:
            for number, length in enumerate(LENGTHS):
                words = [f"{number}-{t}" for t in range(length)]
                targets = [tags[(number + t * t) % 3] for t in range(length)]
                writer.write(sequence_example(sequences={"words": words, "upos": targets}))
    return folder


@pytest.fixture(scope="module")
def task(folder):
    tables = {"model": {"units": 3}, "training": {"batch_size": 3}}
    return build_task("tag", Dataset(folder), make_settings("tag", tables))


def test_sequences_are_those_of_the_records_in_order(folder, task):
    found = evaluate_split(task, Dataset(folder), "test", num_worst=4)
    assert found.lengths.tolist() == LENGTHS
    alone = [task.examine(batch) for batch in one_by_one(folder, task)]
    np.testing.assert_allclose(found.sums["loss"][0], [e.loss.item() for e in alone], rtol=1e-5)
    right = [(e.true == e.given).sum().item() for e in alone]
    assert found.sums["accuracy"][0].tolist() == right
    assert found.value(ACCURACY) == sum(right) / sum(LENGTHS)

    means = {
        i: e.loss.item() / length
        for i, (e, length) in enumerate(zip(alone, LENGTHS, strict=True))
        if length
    }
    expected = sorted(means, key=lambda i: -means[i])[:4]
    assert [judged.number for judged in found.worst] == expected
    for judged in found.worst:
        assert judged.loss == pytest.approx(means[judged.number], rel=1e-5)
        assert judged.true.tolist() == alone[judged.number].true.tolist()
        assert judged.given.tolist() == alone[judged.number].given.tolist()
        np.testing.assert_allclose(judged.confidence, alone[judged.number].confidence, rtol=1e-5)

    records = Dataset(folder).records("test", expected)
    for number in expected:
        assert f"{number}-0".encode() in bytes(records[number].data)


def one_by_one(folder, task):
    settings = make_settings("tag", {"model": {"units": 3}, "training": {"batch_size": 1}})
    one = type(task).from_json(task.to_json(), settings)
    task.model.eval()
    with torch.inference_mode():
        yield from one.batches(Dataset(folder).ordered(), "test", epoch=0)


def test_calibration_counts_decisions_by_their_confidence():
    confidence = np.array([0.0, 0.05, 0.55, 0.58, 0.99, 1.0])
    right = np.array([False, True, True, False, True, True])
    found = Calibration.of(confidence[:2], right[:2]).joined(
        Calibration.of(confidence[2:], right[2:])
    )
    assert found.counts.tolist() == [2, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert found.correct.tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    by_bin = [abs(0.5 - 0.025), abs(0.5 - 0.565), abs(1.0 - 0.995)]
    assert found.error == pytest.approx(sum(by_bin) * 2 / 6)
    assert Calibration.of(np.zeros(0), np.zeros(0, bool)).error == 0


def test_an_interval_is_about_as_wide_as_theory_has_it():
    draw = np.random.default_rng(0)
    right = draw.random(400) < 0.8
    low, high = evaluation_of(right, np.ones(400, int)).interval(ACCURACY)
    share = right.mean()
    half = 1.96 * np.sqrt(share * (1 - share) / 400)
    assert low == pytest.approx(share - half, abs=0.01)
    assert high == pytest.approx(share + half, abs=0.01)


def test_a_paired_difference_knows_what_is_hard_for_both():
    draw = np.random.default_rng(0)
    lengths = np.ones(400, int)
    first = draw.random(400) < 0.5
    second = first | (np.arange(400) < 20)  # right wherever the first is, and then some
    ours, theirs = evaluation_of(second, lengths), evaluation_of(first, lengths)
    found = ours.difference(theirs, ACCURACY)
    assert found.value == pytest.approx(second.mean() - first.mean())
    low, high = found.interval
    assert 0 < low < found.value < high < 0.06
    assert found.is_better is True
    back = theirs.difference(ours, ACCURACY)
    assert (back.value, back.is_better) == (-found.value, False)
    assert ours.difference(ours, ACCURACY) == (0, (0, 0), None)
    with pytest.raises(ValueError, match="the same sequences, found 400 and 1 "):
        ours.difference(evaluation_of([1], [1]), ACCURACY)


def test_ranges_of_lengths_have_intervals_of_their_own():
    lengths = np.repeat([1, 2, 3, 4, 5], 40)
    right = np.where(np.arange(200) % 2, lengths, 0)
    rows = evaluation_of(right, lengths).by_length(ACCURACY)
    assert sum(row.num_sequences for row in rows) == 200
    for row in rows:
        low, high = row.interval
        assert low < row.value == 0.5 < high


def test_of_one_sequence_there_is_no_interval():
    one = evaluation_of([3], [4])
    assert one.value(ACCURACY) == 0.75
    assert one.interval(ACCURACY) is None
    assert [row.interval for row in one.by_length(ACCURACY)] == [None]
    assert one.difference(evaluation_of([1], [4]), ACCURACY) == (0.5, None, None)


def test_what_has_an_aim_is_better_the_nearer_it_is():
    coverage = Metric("coverage", None, is_share=True, aim=float)
    draw = np.random.default_rng(0)
    near, far, low = (
        evaluation_of(draw.random(900) < share, [1] * 900, metric=coverage, aims={"coverage": 0.8})
        for share in (0.8, 0.95, 0.65)
    )
    assert near.difference(far, coverage).value < 0  # lower, and better for it
    assert near.difference(far, coverage).is_better is True
    assert near.difference(low, coverage).is_better is True
    assert low.difference(near, coverage).is_better is False
    # As far on the other side: much higher, and no better.
    assert far.difference(low, coverage).value > 0.2
    assert far.difference(low, coverage).is_better is None
    with pytest.raises(ValueError, match="coverage: expected a metric that is best high or low"):
        coverage.is_better(0.8, 0.7)


def test_a_million_sequences_have_intervals_as_wide_as_theory_has_them():
    draw = np.random.default_rng(0)
    lengths = draw.integers(1, 50, size=1_000_000)
    right = draw.binomial(lengths, 0.8)
    found = evaluation_of(right, lengths)
    share = found.value(ACCURACY)
    # The delta method, for a ratio of sums.
    deviation = np.sqrt(np.mean((right - share * lengths) ** 2) / 1e6) / lengths.mean()
    low, high = found.interval(ACCURACY)
    assert low == pytest.approx(share - 1.96 * deviation, abs=0.15 * deviation)
    assert high == pytest.approx(share + 1.96 * deviation, abs=0.15 * deviation)


@pytest.mark.parametrize("num_classes", [1, 3, 100_000])
def test_confusions_are_those_of_the_whole_matrix(num_classes):
    draw = np.random.default_rng(0)
    few = np.unique(draw.integers(num_classes, size=6))
    true, given = draw.choice(few, size=(2, 200))
    found = Confusion.of_keys(Counter((true * num_classes + given).tolist()), num_classes)

    matrix = np.zeros((len(few), len(few)), np.int64)
    np.add.at(matrix, (np.searchsorted(few, true), np.searchsorted(few, given)), 1)
    assert found.among(few).tolist() == matrix.tolist()
    assert found.among(few[:2]).tolist() == matrix[:2, :2].tolist()
    for counts, expected in (
        (found.totals, matrix.sum(1)),
        (found.times_given, matrix.sum(0)),
        (found.correct, matrix.diagonal()),
    ):
        assert len(counts) == num_classes
        assert counts[few].tolist() == expected.tolist()
        assert counts.sum() == expected.sum()
    wrong = Counter((t, g) for t, g in zip(true.tolist(), given.tolist(), strict=True) if t != g)
    assert {(t, g): n for t, g, n in found.mistakes(1000)} == wrong
    assert [n for *_, n in found.mistakes(2)] == sorted(wrong.values(), reverse=True)[:2]


def test_tags_of_the_bio_scheme_have_spans(tmp_path):
    tags = [["B-PER", "I-PER", "O"], ["O"], ["B-LOC", "O", "B-PER", "I-PER", "I-PER"], []]
    for split in ("train", "valid", "test"):
        with RecordWriter(tmp_path / f"{split}-00000-of-00001.tfrecord") as writer:
            for number, row in enumerate(tags):
                words = [f"{number}-{t}" for t in range(len(row))]
                writer.write(sequence_example(sequences={"words": words, "tags": row}))
    tables = {"model": {"units": 3}, "training": {"batch_size": 3}}
    task = build_task("tag", Dataset(tmp_path), make_settings("tag", tables))
    found = evaluate_split(task, Dataset(tmp_path), "test", num_worst=4)
    names = found.class_names
    said = {
        judged.number: bio_spans([names[i] for i in judged.given.tolist()])
        for judged in found.worst
    }
    meant = {number: bio_spans(row) for number, row in enumerate(tags)}
    every = found.spans.micro
    assert every.actual == 3
    assert every.predicted == sum(map(len, said.values()))
    assert every.correct == sum(len({*spans} & {*meant[i]}) for i, spans in said.items())
    totals = {row.name: row.total for row in found.by_span()}
    assert (totals["PER"], totals["LOC"]) == (2, 1)


def test_over_nothing_there_is_no_figure_and_no_range():
    lengths = np.array([1, 1, 1, 5, 5, 5, 5, 9, 9, 9])
    counted = np.where(lengths == 1, 0, lengths)
    found = evaluation_of(counted / 2, counted)
    found = replace(found, lengths=lengths)
    short, *others = found.by_length(ACCURACY)
    assert (short.least, short.most, short.value) == (1, 5, 0.5)
    for row in (short, *others):
        assert row.interval == (0.5, 0.5)
    nothing = replace(found, sums={"accuracy": (np.zeros(10), np.zeros(10))})
    for row in nothing.by_length(ACCURACY):
        assert (row.value, row.interval) == (None, None)
    assert nothing.interval(ACCURACY) is None
    assert nothing.difference(found, ACCURACY).interval is None
    assert nothing.difference(found, ACCURACY).is_better is None
