"""What of a run is compared with others."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from varlen.cli._judging import judge
from varlen.cli._reading import Reading
from varlen.train import (
    Difference,
    Evaluation,
    Metric,
    RunFolder,
    aims_of,
    settings_of,
    task_named,
)


class ComparedRun(NamedTuple):
    """A run.

    Attributes:
        name: its folder, as it was given.
        config: the contents of `config.json`.
        settings: all of them, by table and name.
        metrics: of its task.
        aims: by metric, the value that is best, of those that can be too low and too high.
        rows: the figures of its epochs.
        split: on which it was evaluated; None if it was not.
        evaluation: its counts there.
    """

    name: str
    config: Mapping[str, Any]
    settings: Mapping[str, Any]
    metrics: tuple[Metric, ...]
    aims: Mapping[str, float]
    rows: Sequence[Mapping[str, Any]]
    split: str | None = None
    evaluation: Evaluation | None = None

    @classmethod
    def read(
        cls, path: Path, data: Sequence[Path] | None, split: str | None, reading: Reading
    ) -> "ComparedRun":
        """Reads a run folder, and evaluates its model on a split if there is one.

        Raises:
            What `RunFolder.open` and `judge` raise.
        """
        run = RunFolder.open(path)
        found = None if split is None else judge(run, data, [split], reading).evaluation
        stored, metrics = settings_of(run), task_named(str(run.config["task"])).metrics
        settings = {
            f"{table}.{name}": value
            for table, values in stored.to_json().items()
            for name, value in values.items()
        }
        aims = aims_of(metrics, stored.task)
        return cls(str(path), run.config, settings, metrics, aims, run.metrics(), split, found)

    @property
    def task(self) -> str:
        return str(self.config["task"])

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The figures of the best epoch; None before the first."""
        return next((row for row in reversed(self.rows) if row["best"]), None)

    @property
    def seconds(self) -> float:
        """How long it trained, without validation."""
        return float(sum(row["seconds"] for row in self.rows))

    @property
    def steps_per_second(self) -> float:
        """Live steps."""
        return float(sum(row["live_steps"] for row in self.rows)) / max(self.seconds, 1e-9)

    def above(self, other: "ComparedRun", metric: Metric) -> Difference | None:
        """By how much a figure is above that of another; None if they are not of one thing."""
        ours, theirs = self.evaluation, other.evaluation
        if ours is None or theirs is None or self.task != other.task or self is other:
            return None
        if ours.lengths.tolist() != theirs.lengths.tolist() or ours.aims != theirs.aims:
            return None
        return ours.difference(theirs, metric)


def settings_that_differ(runs: Sequence[ComparedRun]) -> list[str]:
    """The names of settings that are not the same in all runs."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    first = runs[0].settings
    return [
        name
        for name in names
        if any(
            name not in run.settings or name not in first or run.settings[name] != first[name]
            for run in runs
        )
    ]
