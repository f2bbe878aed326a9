"""`varlen train TASK DATA --dry-run`: model, data and plan, and what they will take."""

from collections.abc import Iterator
from pathlib import Path

import torch

from varlen.cli._plan_report import epoch_time
from varlen.cli._shared import percent
from varlen.cli._text import table, terminal_width
from varlen.train import (
    Dataset,
    Estimate,
    ModelSettings,
    Settings,
    Task,
    TrainingSettings,
    build_task,
    data_summary,
    estimate,
)


def print_plan(name: str, folder: Path, settings: Settings) -> None:
    """Prints what a training would be, without a run folder."""
    data = Dataset(folder, valid_share=settings.data.valid_share)
    task = build_task(name, data, settings)
    print(data_summary(task, data), end="\n\n")
    print(*_model_lines(task), "", sep="\n", flush=True)
    found = estimate(task, data)
    rows = [
        ("model", _network(settings.model)),
        *_plan_rows(task, found),
        *_estimate_rows(found, settings.training),
    ]
    print(*(f"{what:14}{line}" for what, line in rows), sep="\n")


def _model_lines(task: Task) -> list[str]:
    rows = [
        [name, "x".join(map(str, parameter.shape)), f"{parameter.numel():,}"]
        for name, parameter in task.model.named_parameters()
    ]
    total = sum(parameter.numel() for parameter in task.model.parameters())
    rows.append(["in all", "", f"{total:,}"])
    return table(["parameter", "shape", "numbers"], rows, left=2, width=terminal_width())


def _network(model: ModelSettings) -> str:
    layers = "1 layer" if model.layers == 1 else f"{model.layers:,} layers"
    directions = ", in both directions" if model.bidirectional else ""
    return (
        f"{layers} of {model.units:,} units of {model.cell}{directions}; dropout {model.dropout:g}"
    )


def _plan_rows(task: Task, found: Estimate) -> Iterator[tuple[str, str]]:
    training, train, valid = task.settings.training, found.train, found.valid
    num_rows, live = (total / train.num_batches for total in (train.num_rows, train.live))
    steps = round(found.num_steps * found.num_epochs)
    several = f" of {training.accumulate:,} batches" if training.accumulate > 1 else ""
    decimals = 0 if training.steps is None else 1
    yield (
        "epochs",
        f"{found.num_epochs:,.{decimals}f}, {found.num_steps:,} steps{several} each; "
        f"{steps:,} in all",
    )
    yield (
        "batches",
        f"{train.num_batches:,} in an epoch, of {num_rows:,.0f} sequences and {live:,.0f} steps in "
        f"the mean; {percent(train.padding)} padding",
    )
    warmup = f" after a warm-up of {training.warmup:.0%}" if training.warmup else ""
    yield "learning rate", f"{training.learning_rate:g}, {training.schedule}{warmup}"
    patience = training.patience
    early = "" if patience is None else f"; {patience:,} epochs without a better one end training"
    yield (
        "validation",
        f"{valid.num_batches:,} batches, {valid.live:,} steps; {task.metrics[0].name} chooses the "
        f"best epoch{early}",
    )


def _estimate_rows(found: Estimate, training: TrainingSettings) -> Iterator[tuple[str, str]]:
    threads = torch.get_num_threads()
    where = f"{training.device}, {threads} thread{'s' * (threads > 1)}"
    train, valid = found.train.seconds, found.valid.seconds
    yield (
        "time",
        f"about {epoch_time(found.seconds)} on {where}: an epoch {epoch_time(train)}, its "
        f"validation {epoch_time(valid)}",
    )
    on_device = found.num_device_bytes
    also = "" if on_device is None else f", and {on_device / 2**20:,.0f} MiB of {training.device}"
    yield "memory", f"about {found.num_bytes / 2**20:,.0f} MiB{also}"
