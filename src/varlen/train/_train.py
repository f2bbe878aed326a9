"""A whole training, from data to a run folder; going on with one; and what it has learned."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from varlen.errors import CheckpointError, ConfigError
from varlen.train._cells import drops_candidate
from varlen.train._dataset import Dataset
from varlen.train._environment import environment
from varlen.train._loop import fit
from varlen.train._observers import Observers
from varlen.train._progress import Observer
from varlen.train._ranks import ALONE, Ranks, own_device
from varlen.train._run_folder import RunFolder
from varlen.train._settings import Settings
from varlen.train._standing import Standing
from varlen.train.tasks import TASKS, Task, TaskKind, task_named


def make_settings(task: str, *layers: Mapping[str, Any], at: str | None = "settings") -> Settings:
    """The settings of a training: the general defaults, those of the task, and what is given.

    Args:
        task: the name of the task.
        *layers: tables "model", "training", "data" and "task" of values by name; later ones win.
        at: where they come from, for error messages; None for the command line.

    Raises:
        ConfigError: there is no such task, table or name, a value cannot be used, or the task has
            no use for it.
    """
    kind = task_named(task)
    settings = Settings.of(kind.Options, kind.defaults, *layers, at=at)
    usual = Settings.of(kind.Options, kind.defaults)
    for table, reasons in kind.without.items():
        for name, reason in reasons.items():
            if getattr(getattr(settings, table), name) != getattr(getattr(usual, table), name):
                raise ConfigError(f"{name}: {reason}", at=at, hint=_who_uses(table, name))
    model = settings.model
    is_asked_for = model.recurrent_dropout not in (0, usual.model.recurrent_dropout)
    if is_asked_for and not drops_candidate(model.cell):
        raise ConfigError(
            f"recurrent_dropout: the cell {model.cell!r} has no candidate that could be dropped",
            at=at,
            hint="leave it out, or choose another cell",
        )
    return settings


def check_device(settings: Settings) -> None:
    """Refuses a device that is not there.

    Raises:
        ConfigError: it cannot be used.
    """
    device = own_device(settings.training.device)
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device: cannot use {device!r}: {reason}") from error


def build_task(name: str, data: Dataset, settings: Settings) -> Task:
    """A task that is ready to learn from data, with first weights that the seed decides.

    Raises:
        What `Task.build` and `Task.check` raise.
    """
    torch.manual_seed(settings.training.seed)
    task = task_named(name).build(data, settings)
    for split in ("train", "valid"):
        task.check(data, split)
    _move(task)
    return task


def train(
    name: str,
    data_path: Path,
    run_path: Path,
    settings: Settings,
    *,
    observer: Observer,
    overwrite: bool = False,
    ranks: Ranks = ALONE,
) -> Standing:
    """Trains a model and leaves it in a run folder. The same seed gives the same weights.

    Args:
        name: of the task.
        data_path: a folder of record files, with a split "train".
        run_path: the run folder to make.
        settings: what `make_settings` gave.
        observer: is told how it goes.
        overwrite: whether a run folder that is there is replaced.
        ranks: who learns together; the first alone writes, and tells the observer.

    Returns:
        Where training stood at the end; the weights of the best epoch are in the folder.

    Raises:
        ConfigError: there is something at `run_path`, or the data has not what is needed.
        What `Task.build`, `Task.check` and `fit` raise.
    """
    check_device(settings)
    with _own_generators():
        data = open_data(data_path, task_named(name), settings)
        with ranks.first_before_others():
            if ranks.is_first:
                RunFolder.check_free(run_path, overwrite=overwrite)
                task = build_task(name, data, settings)
                run = RunFolder.create(
                    run_path,
                    task=name,
                    config={
                        "data": str(data_path.resolve()),
                        "records": _sizes(data),
                        "settings": settings.to_json(),
                        "parameters": sum(p.numel() for p in task.model.parameters()),
                        "environment": environment(settings.training.device, ranks.num_ranks),
                    },
                    vocabulary=task.to_json(),
                    overwrite=overwrite,
                )
            else:
                run = RunFolder.open(run_path)
                task = _first_task(run)
                _move(task)
        return _fit(task, data, run, observer, ranks)


def resume(
    run_path: Path, *, observer: Observer, ranks: Ranks = ALONE, on_nonfinite: str | None = None
) -> Standing:
    """Goes on with a training that was interrupted, from its last checkpoint.

    One that has none yet begins anew, which is the same.

    Args:
        run_path: the run folder.
        observer: is told how it goes.
        ranks: who learns together, which may be more or fewer than before.
        on_nonfinite: "stop" or "skip", in place of what the run has been told before; None for
            that. Of all settings, this alone can change without changing what was learned.

    Raises:
        ConfigError: `on_nonfinite` is something else.
        CheckpointError: it is no run folder, its checkpoints cannot be used, or its data is not
            what it was.
        What `fit` raises.
    """
    run = RunFolder.open(run_path)
    with _own_generators():
        task = _first_task(run)
        _move(task)
        if on_nonfinite is not None:
            training = replace(task.settings.training, on_nonfinite=on_nonfinite)
            task.settings = replace(task.settings, training=training)
        data = open_data(data_of(run), task, task.settings)
        _check_same_data(run, data)
        return _fit(task, data, run, observer, ranks, goes_on=True)


def load_task(run: RunFolder, *, weights: bool = True) -> Task:
    """The task of a run, with the weights of its best epoch.

    Its model is where it was trained, or on the CPU where there is no such device.

    Args:
        run: the run folder.
        weights: False for a model with first weights.

    Raises:
        CheckpointError: the run is unfinished, damaged or of another version.
    """
    with _own_generators():
        task = _first_task(run)
    with suppress(ConfigError):
        _move(task)
    if weights:
        run.load_model(task.model)
    return task


def settings_of(run: RunFolder) -> Settings:
    """The settings of a run. One that an older version did not have is at its default.

    Raises:
        CheckpointError: they are not those of this version.
    """
    try:
        kind = task_named(str(run.config["task"]))
        return Settings.from_json(kind.Options, run.config["settings"])
    except (KeyError, CheckpointError, ConfigError) as error:
        problem = repr(error) if isinstance(error, KeyError) else error.problem
        raise CheckpointError(f"the run folder is damaged: {problem}", at=str(run.path)) from error


def data_of(run: RunFolder) -> Path:
    """Where the data of a run was.

    Raises:
        CheckpointError: the run does not say.
    """
    stored = run.config.get("data")
    if not isinstance(stored, str):
        raise CheckpointError(
            "config.json does not say where the data was", at=str(run.path), hint="give --data"
        )
    return Path(stored)


def data_summary(task: Task, data: Dataset) -> str:
    """What there is to learn from, in a line."""
    if data.held_out and task.holds_out == "ends":
        known = (
            f"{data.whole().num_records('train'):,} sequences to learn from, the last "
            f"{data.valid_share:.0%} of their steps held out to validate"
        )
    else:
        held = " held out of them" if data.held_out else ""
        known = (
            f"{data.num_records('train'):,} sequences to learn from, "
            f"{data.num_records('valid'):,}{held} to validate"
        )
    return f"{known}; {task.describe()}"


def _fit(
    task: Task,
    data: Dataset,
    run: RunFolder,
    observer: Observer,
    ranks: Ranks,
    *,
    goes_on: bool = False,
) -> Standing:
    told = observer if ranks.is_first else Observers()
    told.training_begins(data_summary(task, data), task.metrics)
    return fit(task, data, run, observer=told, ranks=ranks, resume=goes_on)


def open_data(path: Path, task: Task | TaskKind, settings: Settings) -> Dataset:
    """The data folder at `path`, as the task splits it.

    Where the ends of sequences are held out, all records are in both splits.
    """
    data = Dataset(path, valid_share=settings.data.valid_share)
    return data.whole() if task.holds_out == "ends" else data


def _sizes(data: Dataset) -> dict[str, list[int]]:
    """How many records and bytes the splits have."""
    return {split: [data.num_records(split), data.num_bytes(split)] for split in ("train", "valid")}


def _who_uses(table: str, name: str) -> str:
    users = [kind.name for kind in TASKS.values() if name not in kind.without.get(table, {})]
    return f"leave it out; it is a setting of {', '.join(users)}"


def _check_same_data(run: RunFolder, data: Dataset) -> None:
    expected, found = run.config.get("records"), _sizes(data)
    if expected != found:
        raise CheckpointError(
            "the data has changed since this training began: of records and their bytes, expected "
            f"{expected}, found {found}",
            at=str(data.path),
            hint="train anew, or put back what was there",
        )


def _first_task(run: RunFolder) -> Task:
    """The task of a run, and the random generators, as `build_task` left them."""
    stored = run.vocabulary()
    settings = settings_of(run)
    torch.manual_seed(settings.training.seed)
    try:
        task = task_named(str(run.config["task"])).from_json(stored, settings)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        problem = error.problem if isinstance(error, CheckpointError | ConfigError) else repr(error)
        raise CheckpointError(f"the run folder is damaged: {problem}", at=str(run.path)) from error
    return task


def _move(task: Task) -> None:
    check_device(task.settings)
    task.model.to(own_device(task.settings.training.device))


@contextmanager
def _own_generators() -> Iterator[None]:
    """Leaves the random numbers of whoever calls as they are."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=list(devices)):
        yield
