"""`varlen train TASK DATA --dry-run`: model, data and plan, and what they will take."""

from pathlib import Path

from varlen.cli._text import table, terminal_width
from varlen.train import Dataset, Settings, build_task, data_summary


def print_plan(name: str, folder: Path, settings: Settings) -> None:
    """Prints what a training would be, without training."""
    data = Dataset(folder, valid_share=settings.data.valid_share)
    task = build_task(name, data, settings)
    print(data_summary(task, data), end="\n\n")
    rows = [
        [name, "x".join(map(str, parameter.shape)), f"{parameter.numel():,}"]
        for name, parameter in task.model.named_parameters()
    ]
    total = sum(parameter.numel() for parameter in task.model.parameters())
    rows.append(["in all", "", f"{total:,}"])
    print("\n".join(table(["parameter", "shape", "numbers"], rows, left=2, width=terminal_width())))
