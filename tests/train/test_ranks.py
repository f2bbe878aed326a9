import json
import os
import random
import re
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

import lines_of_ranks
import ranks_at_work
from ranks_at_work import Work

OPTIONS = ["--cell", "gru", "--units", 5, "--dropout", 0, "--epochs", 3]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """So many sequences of vectors that the last steps of two ranks are not full."""
    folder = tmp_path_factory.mktemp("vectors")
    for seed, (split, count) in enumerate({"train": 21, "valid": 5}.items()):
        draw = random.Random(seed)
        with (folder / f"{split}.jsonl").open("w") as file:
            for _ in range(count):
                label, length = draw.choice("ab"), draw.randrange(1, 8)
                values = [[draw.gauss(label == "a", 1), draw.random()] for _ in range(length)]
                file.write(json.dumps({"values": values, "label": label}) + "\n")
    return folder


def train(vectors, run, num_ranks, *options):
    arguments = ["train", "classify", vectors, "--run", run, *OPTIONS, *options]
    return Work(num_ranks, run.parent, ranks_at_work.varlen, *arguments)


def last_checkpoint(run):
    return load_file(max((run / "checkpoints").iterdir()))


def rows(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def assert_same_training(run, expected):
    for name, tensor in last_checkpoint(run).items():
        torch.testing.assert_close(
            tensor, last_checkpoint(expected)[name], rtol=1e-4, atol=1e-5, msg=name
        )
    for row, other in zip(rows(run), rows(expected), strict=True):
        for name in row.keys() - {"seconds", "padding", "stages", "curve"}:
            assert row[name] == pytest.approx(other[name], rel=1e-4), name
        for point, expected_point in zip(row["curve"], other["curve"], strict=True):
            assert point == pytest.approx(expected_point, rel=1e-4)


def torchrun(num_ranks, *arguments):
    program = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(num_ranks)]
    return subprocess.run(
        [*program, "-m", "--", "varlen", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def test_torchrun_learns_what_one_process_learns_from_the_same_batches(vectors, tmp_path):
    two, one = tmp_path / "two", tmp_path / "one"
    arguments = ["train", "classify", vectors, "--run", two, *OPTIONS, "--batch-size", 4]
    done = torchrun(2, *arguments)
    assert done.returncode == 0, done.stderr
    assert train(vectors, one, 1, "--batch-size", 4, "--accumulate", 2).statuses() == [0]
    assert_same_training(two, one)
    assert done.stdout.count("left in ") == 1
    assert done.stderr.count("21 sequences to learn from, 5 to validate") == 1
    assert done.stderr.count("epoch 1: ") == 1
    assert len(list((two / "checkpoints").iterdir())) == 2
    assert {row["live_steps"] for row in rows(two)} == {rows(one)[0]["live_steps"]}


def test_a_rank_may_have_an_empty_share(vectors, tmp_path):
    """Three ranks, and a last step of two sequences; one process steps over as many."""
    three, one = tmp_path / "three", tmp_path / "one"
    options = ["--batch-size", 1, "--steps", 10]
    assert train(vectors, three, 3, *options).statuses() == [0, 0, 0]
    assert train(vectors, one, 1, *options, "--accumulate", 3).statuses() == [0]
    assert_same_training(three, one)


def test_ctrl_c_for_one_rank_stops_all_and_any_number_of_ranks_goes_on(vectors, tmp_path):
    whole, run = tmp_path / "whole", tmp_path / "run"
    options = ["--batch-size", 4, "--epochs", 4]
    assert train(vectors, whole, 1, *options, "--accumulate", 2).statuses() == [0]
    work = train(vectors, run, 2, *options)
    work.interrupt_at("epoch 1: ", rank=1)
    assert work.statuses() == [130, 130], work.output(0)
    assert f"`varlen train --resume {run}` goes on" in work.output(0)
    assert work.output(1) == ""
    # One process has to take both shares of a step.
    config = (run / "config.json").read_text()
    (run / "config.json").write_text(config.replace('"accumulate": 1', '"accumulate": 2'))
    resumed = Work(1, tmp_path, ranks_at_work.varlen, "train", "--resume", run)
    assert resumed.statuses() == [0], resumed.output(0)
    assert "going on in epoch" in resumed.output(0)
    assert_same_training(run, whole)


def test_a_rank_that_is_killed_ends_the_others_with_a_message(vectors, tmp_path):
    work = train(vectors, tmp_path / "run", 2, "--batch-size", 2, "--epochs", 1000)
    work.interrupt_at("epoch 1: ", rank=1, signal_number=signal.SIGKILL)
    assert work.statuses() == [2, -signal.SIGKILL]
    assert re.search(r"\nerror: another rank is gone: \w", work.output(0))
    assert f"`varlen train --resume {tmp_path / 'run'}` goes on" in work.output(0)
    assert "Traceback" not in work.output(0)


def test_what_the_first_rank_refuses_ends_the_others(vectors, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").write_text("")
    work = train(vectors, tmp_path / "run", 2)
    assert work.statuses() == [2, 2]
    assert "error: the run folder is there already" in work.output(0)
    assert work.output(1) == "error: the first rank has ended, and says why\n"


@pytest.mark.parametrize(("policy", "statuses"), [("skip", [0, 0]), ("stop", [1, 1])])
def test_a_loss_that_is_not_finite_on_one_rank_is_so_on_all(tmp_path, policy, statuses):
    work = Work(2, tmp_path, lines_of_ranks.learn, tmp_path, policy)
    assert work.statuses() == statuses
    if policy == "stop":
        for rank in (0, 1):
            assert "became nan or infinite" in work.output(rank)
        saved = {path.name for path in (tmp_path / "run").glob("nonfinite-*")}
        assert saved == {f"nonfinite-step-0000000003-rank-{rank}.tfrecord" for rank in (0, 1)}
        return
    # Four steps of two batches in an epoch; the third step of both is skipped.
    assert [(tmp_path / f"standing-{rank}").read_text() for rank in (0, 1)] == ["2 8"] * 2
    # A thread of a group of processes that lives on may abort the process when it ends.
    assert not any("gloo" in (tmp_path / f"threads-{rank}").read_text() for rank in (0, 1))
    weights = [torch.load(tmp_path / f"weights-{rank}.pt") for rank in (0, 1)]
    assert all(map(torch.equal, *weights))
    table = weights[0][2]
    assert table.isfinite().all()
    # Of the points, 4 and 5 were in the step that was skipped.
    assert (table[:, 0] != 1).tolist() == [number not in (4, 5) for number in range(8)]


def test_ranks_share_the_rows_of_language_and_what_is_carried(tmp_path):
    whole, run, data = tmp_path / "whole", tmp_path / "run", tmp_path / "texts"
    data.mkdir()
    draw = random.Random(0)
    texts = ["".join(draw.choices("abc ", k=draw.randrange(30, 90))) for _ in range(13)]
    for split, some in (("train", texts[2:]), ("valid", texts[:2])):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in some)
        (data / f"{split}.jsonl").write_text(lines)
    options = ["--units", 4, "--dropout", 0, "--epochs", 2, "--batch-size", 5, "--chunk", 5]
    begin = ["train", "lm", data, *options, "--run"]
    alone = Work(1, tmp_path, ranks_at_work.varlen, *begin, whole)
    assert alone.statuses() == [0], alone.output(0)
    options = ["--save-steps", 10, "--keep", 100]
    work = Work(2, tmp_path, ranks_at_work.varlen, *begin, run, *options)
    assert work.statuses() == [0, 0], work.output(0)
    assert_same_training(run, whole)
    _, *later = sorted((run / "checkpoints").iterdir())
    for path in later:
        path.unlink()
    resumed = Work(3, tmp_path, ranks_at_work.varlen, "train", "--resume", run)
    assert resumed.statuses() == [0, 0, 0], resumed.output(0)
    assert "going on in epoch 1, after step 10" in resumed.output(0)
    assert_same_training(run, whole)
