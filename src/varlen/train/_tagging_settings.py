"""What a user can choose about a tagger."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from varlen.errors import CheckpointError, ConfigError


@dataclass(frozen=True)
class TaggingSettings:
    """How a tagger is trained, and on which features.

    Attributes:
        inputs: the feature list of words.
        targets: the feature list of tags.
        units: width of the LSTM, per direction.
        epochs: passes over the training split.
        batch_size: sequences per batch.
        learning_rate: of Adam, at the beginning; it falls to zero over the run.
        seed: of the first weights, the order of the records, and dropout.

    Raises:
        ConfigError: a value cannot be used.
    """

    inputs: str = "words"
    targets: str = "upos"
    units: int = 128
    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = {
            "units": (1, 65_536),
            "epochs": (1, 1_000_000),
            "batch_size": (1, 1_000_000),
            "seed": (0, 2**32 - 1),
        }
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise ConfigError(
                    f"{name}: expected at least {least} and at most {most}, "
                    f"found {getattr(self, name)}"
                )
        if not 0 < self.learning_rate <= 1:
            raise ConfigError(
                f"learning_rate: expected a number above 0 and at most 1, "
                f"found {self.learning_rate}"
            )
        if self.inputs == self.targets:
            raise ConfigError(
                f"inputs and targets: expected two features, found {self.inputs!r} for both"
            )

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "TaggingSettings":
        """The inverse of `to_json`.

        Raises:
            CheckpointError: the settings are not those of this version.
        """
        kinds = {field.name: field.type for field in fields(cls)}
        found = {name: type(value) for name, value in stored.items()}
        if found != kinds:
            raise CheckpointError(
                f"expected the settings {', '.join(kinds)} of a tagger, found {dict(stored)}"
            )
        return cls(**stored)
