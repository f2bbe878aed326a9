"""Runs the model of a run folder over a split, for the commands that say how good it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from varlen.cli._reading import Reading
from varlen.cli._train_data import record_folder, source_places
from varlen.errors import ConfigError, did_you_mean
from varlen.records import Record
from varlen.train import (
    Evaluation,
    RunFolder,
    Task,
    data_of,
    evaluate_split,
    load_task,
    open_data,
)


class Judgement(NamedTuple):
    """What is known of a model on a split.

    Attributes:
        task: with the model.
        split: the name of the split.
        evaluation: the counts.
        records: of the sequences with the highest losses, by number.
    """

    task: Task
    split: str
    evaluation: Evaluation
    records: dict[int, Record]


def judge(
    run: RunFolder,
    paths: Sequence[Path] | None,
    splits: Sequence[str],
    reading: Reading,
    *,
    num_worst: int = 0,
) -> Judgement:
    """Evaluates a run.

    Args:
        run: the run folder.
        paths: DATA as for training; None for the data of the training.
        splits: the one to look at; of several, the first that is there.
        reading: how files that are no record files are meant.
        num_worst: how many of the sequences with the highest losses are kept.

    Raises:
        What `load_task`, `record_folder` and `evaluate_split` raise.
    """
    task = load_task(run)
    first, *_ = splits
    with _records(run, paths, reading, rest=first) as folder:
        data = open_data(folder, task, task.settings)
        split = next((name for name in splits if name in data.splits), None)
        if split is None:
            raise ConfigError(
                f"no split {first!r} in the data",
                at=str(folder),
                hint=f"of splits, {did_you_mean(first, data.splits)}",
            )
        with tqdm(
            total=data.num_records(split),
            desc=split,
            unit=" sequences",
            disable=None,
            delay=0.5,
            leave=False,
        ) as bar:
            found = evaluate_split(task, data, split, num_worst=num_worst, done=bar.update)
        worst = [judged.number for judged in found.worst]
        return Judgement(task, split, found, data.records(split, worst))


@contextmanager
def _records(
    run: RunFolder, paths: Sequence[Path] | None, reading: Reading, *, rest: str
) -> Iterator[Path]:
    if paths:
        with record_folder(paths, None, reading, rest=rest) as folder:
            try:
                yield folder
            except ConfigError as error:
                if error.at != str(folder):
                    raise
                # It may be one that is gone afterwards.
                at = ", ".join(map(str, paths))
                raise ConfigError(error.problem, at=at, hint=error.hint) from error
        return
    reading.refuse("is for --data", at="command line")
    folder = data_of(run)
    with source_places(folder):
        yield folder
