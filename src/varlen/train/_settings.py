"""What a user can choose about a training: the model, the training itself, and the data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from varlen.errors import CheckpointError, ConfigError, did_you_mean
from varlen.train._cells import CELLS, check_cell_name
from varlen.train._setting import check_settings, made_of, names_of, setting


@dataclass(frozen=True)
class ModelSettings:
    """The recurrent network between the inputs and the head of a task.

    Raises:
        ConfigError: a value cannot be used.
    """

    cell: str = setting("lstm", f"The cell of every layer: {', '.join(CELLS)}.")
    units: int = setting(128, "Width of a layer, in each direction.", least=1, most=65_536)
    layers: int = setting(1, "Layers, one above the other.", least=1, most=100)
    bidirectional: bool = setting(True, "Whether layers read in both directions.")
    dropout: float = setting(
        0.3,
        "How much of inputs, outputs and what is between layers is dropped.",
        least=0,
        most=0.99,
    )
    recurrent_dropout: float = setting(
        0.0,
        "How much of the candidate, which a step adds to the state, is dropped, in cells that have "
        "one.",
        least=0,
        most=0.99,
    )
    noise: float = setting(
        0.0,
        "What is added to normalised numbers while learning: the standard deviation of noise.",
        least=0,
        most=100,
    )

    def __post_init__(self) -> None:
        check_settings(self)
        check_cell_name(self.cell)


@dataclass(frozen=True)
class TrainingSettings:
    """How long, how fast and how carefully a model learns.

    Raises:
        ConfigError: a value cannot be used, or two do not go together.
    """

    epochs: int = setting(3, "Passes over the training split.", least=1, most=1_000_000)
    steps: int | None = setting(
        None,
        "Steps of the optimizer, after which training ends, however many epochs that takes.",
        least=1,
    )
    batch_size: int = setting(32, "Sequences per batch.", least=1, most=1_000_000)
    max_steps: int = setting(
        65_536,
        "Live steps per batch, at most, of long sequences; one that is longer comes alone.",
        least=1,
    )
    accumulate: int = setting(1, "Batches per step of the optimizer.", least=1, most=1_000_000)
    learning_rate: float = setting(3e-3, "Of Adam, at its highest.", above=0, most=1)
    schedule: str = setting(
        "linear",
        "How the learning rate falls after the warm-up: linear or cosine (to 0), or constant.",
        choices=("constant", "cosine", "linear"),
    )
    warmup: float = setting(
        0.0,
        "The share of the training in which the learning rate rises from 0.",
        least=0,
        most=0.99,
    )
    clip: float | None = setting(
        1.0, "The largest norm of a gradient; longer ones are shortened.", above=0
    )
    weight_decay: float = setting(
        0.0, "How much weights shrink, times the learning rate, as in AdamW.", least=0, most=1
    )
    average: float = setting(
        0.0,
        "Of the weights at each step, how much of their moving average is kept (0.999, say); the "
        "average is validated and stored. 0: no average.",
        least=0,
        most=0.999999,
    )
    patience: int | None = setting(
        None, "Epochs without a better validation, after which training ends.", least=1
    )
    precision: str = setting(
        "float32",
        "bfloat16 computes what it safely can in that type.",
        choices=("float32", "bfloat16"),
    )
    on_nonfinite: str = setting(
        "stop",
        "When a loss or gradient is not finite: stop, and save the batch; or skip the step.",
        choices=("stop", "skip"),
    )
    seed: int = setting(
        0,
        "Of first weights, order and dropout: the same seed, the same model.",
        least=0,
        most=2**32 - 1,
    )
    save_seconds: float = setting(
        60.0, "Seconds between checkpoints within an epoch; each epoch ends with one.", above=0
    )
    save_steps: int | None = setting(
        None, "Steps between checkpoints, beside those by time.", least=1
    )
    keep: int = setting(2, "How many checkpoints stay, the latest.", least=1, most=1_000_000)
    device: str = setting("cpu", "Where the model runs: cpu, cuda, cuda:1.")

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class DataSettings:
    """What of the data is learned from.

    Raises:
        ConfigError: a value cannot be used, or two do not go together.
    """

    inputs: tuple[str, ...] = setting((), "Features to learn from; those that fit, by default.")
    numbers: tuple[str, ...] = setting(
        (), "Inputs whose integers are numbers, which are normalised, and not ids."
    )
    target: str | None = setting(None, "The feature to learn; the one that fits, by default.")
    valid_share: float = setting(
        0.1,
        "Where there is no split valid: the share of the training split that is held out for it.",
        above=0,
        most=0.9,
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.inputs and (others := [name for name in self.numbers if name not in self.inputs]):
            raise ConfigError(f"numbers: expected names of inputs, found {', '.join(others)}")
        if len(set(self.inputs)) < len(self.inputs):
            raise ConfigError(f"inputs: expected each once, found {', '.join(self.inputs)}")
        if self.target in self.inputs:
            raise ConfigError(
                f"inputs and target: expected two features, found {self.target!r} for both"
            )


@dataclass(frozen=True)
class Settings:
    """All of them.

    Attributes:
        model: the recurrent network.
        training: how it learns.
        data: from what.
        task: an instance of the task's own settings class.
    """

    model: ModelSettings
    training: TrainingSettings
    data: DataSettings
    task: Any

    @classmethod
    def of(
        cls, task_settings: type, *layers: Mapping[str, Any], at: str | None = "settings"
    ) -> "Settings":
        """Settings from tables `{"model": {...}, "training": {...}, "data": {...}, "task": {...}}`.

        Args:
            task_settings: the task's own settings class.
            *layers: later ones win, value by value.
            at: where they come from, for error messages; None for the command line.

        Raises:
            ConfigError: a table or name that is not known, or a value that cannot be used.
        """
        owners: dict[str, type] = {
            "model": ModelSettings,
            "training": TrainingSettings,
            "data": DataSettings,
            "task": task_settings,
        }
        merged: dict[str, dict[str, Any]] = {name: {} for name in owners}
        for layer in layers:
            for table, values in layer.items():
                if table not in owners:
                    raise ConfigError(
                        f"no table {table!r} of settings",
                        at=at,
                        hint=_place(table, owners) or did_you_mean(table, owners),
                    )
                if not isinstance(values, Mapping):
                    raise ConfigError(f"expected a table {table!r}, found {values!r}", at=at)
                for name in values:
                    if name not in names_of(owners[table]) and (hint := _place(name, owners)):
                        raise ConfigError(f"no setting {name!r}", at=_within(at, table), hint=hint)
                merged[table] |= values
        made = {
            name: made_of(owner, merged[name], at=_within(at, name))
            for name, owner in owners.items()
        }
        return cls(**made)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, task_settings: type, stored: Mapping[str, Any]) -> "Settings":
        """The inverse of `to_json`.

        Raises:
            CheckpointError: the settings are not those of this version.
        """
        try:
            return cls.of(task_settings, stored, at="stored settings")
        except (ConfigError, TypeError, AttributeError) as error:
            raise CheckpointError(f"the stored settings are not usable: {error}") from error


def _within(at: str | None, table: str) -> str | None:
    return None if at is None else f"{at}: {table}"


def _place(name: str, owners: Mapping[str, type]) -> str | None:
    """Where a setting belongs that stands elsewhere; None for what is no setting."""
    tables = [table for table, owner in owners.items() if name in names_of(owner)]
    return f"it is a setting of the table [{tables[0]}]" if tables else None
