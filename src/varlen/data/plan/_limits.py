"""`BatchLimits`: when a batch is full, by count, by budgets, or by several of them."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from varlen.errors import check_integer

Budget = int | Mapping[str, int]
Oversize = Literal["error", "alone", "skip"]
TooLong = Literal["error", "skip", "truncate"]


@dataclass(frozen=True)
class BatchLimits:
    """When a batch is full: when another example would exceed one of the limits that are given.

    A budget that is a number holds for each feature whose lengths are known; a dict has numbers
    for the features it names, and the others are free.

    Args:
        batch_size: examples in a batch.
        max_steps: real steps in a batch.
        max_padded_steps: steps of a batch once it is padded: its examples times the length of the
            longest.
        max_bytes: bytes of the records in a batch.
        multiple_of: batches are padded to multiples of this, which `max_padded_steps` counts.
        oversize: what becomes of a single example that exceeds a budget: "error" raises
            ValueError, "alone" makes it a batch of its own, "skip" leaves it out.

    Raises:
        TypeError: limits that are not integers.
        ValueError: no limit at all, one below 1, or a policy that there is not.
    """

    batch_size: int | None = None
    _: KW_ONLY
    max_steps: Budget | None = None
    max_padded_steps: Budget | None = None
    max_bytes: int | None = None
    multiple_of: int = 1
    oversize: Oversize = "error"

    def __post_init__(self) -> None:
        given = 0
        for name in ("batch_size", "max_bytes", "max_steps", "max_padded_steps"):
            value = getattr(self, name)
            if value is None:
                continue
            given += 1
            if name.endswith("steps") and isinstance(value, Mapping):
                object.__setattr__(self, name, dict(value))
                for feature, number in value.items():
                    check_integer(number, f"{name}[{feature!r}]", at_least=1)
            else:
                check_integer(value, name, at_least=1)
        if not given:
            raise ValueError(
                "expected batch_size, max_steps, max_padded_steps or max_bytes, found none of them"
            )
        check_integer(self.multiple_of, "multiple_of", at_least=1)
        check_choice(self.oversize, "oversize", ("error", "alone", "skip"))

    def features(self) -> set[str]:
        """The features that budgets name."""
        budgets = (self.max_steps, self.max_padded_steps)
        return {name for budget in budgets if isinstance(budget, Mapping) for name in budget}


def budget_of(budget: Budget | None, feature: str) -> int | None:
    """What a budget, or another such number, says of a feature; None if nothing."""
    return budget.get(feature) if isinstance(budget, Mapping) else budget


def check_choice(value: object, argument: str, choices: tuple[str, ...]) -> None:
    """Refuses what is none of the choices."""
    if value not in choices:
        listed = ", ".join(map(repr, choices[:-1]))
        raise ValueError(f"{argument}: expected {listed} or {choices[-1]!r}, found {value!r}")
