"""The lengths of all examples, which a plan is made over."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varlen.buckets import checked_lengths
from varlen.errors import did_you_mean

ONLY = ""  # the name of the feature where lengths come without one

Lengths = ArrayLike | Mapping[str, ArrayLike]


@dataclass(frozen=True, eq=False)
class ExampleLengths:
    """How long examples are.

    Attributes:
        steps: by feature, int64, `[examples]`.
        num_bytes: of the record of each example, int64, `[examples]`; None if it is not known.
    """

    steps: dict[str, NDArray[np.int64]]
    num_bytes: NDArray[np.int64] | None

    @classmethod
    def of(cls, lengths: Lengths, num_bytes: ArrayLike | None) -> "ExampleLengths":
        """What a user gives, checked.

        Raises:
            TypeError: not integers.
            ValueError: no feature, lengths below 0, or not as many for each feature.
        """
        named = lengths if isinstance(lengths, Mapping) else {ONLY: lengths}
        if not named:
            raise ValueError("lengths: expected those of a feature at least, found none")
        steps = {name: checked_lengths(array, title(name)) for name, array in named.items()}
        found = cls(steps, None if num_bytes is None else checked_lengths(num_bytes, "num_bytes"))
        first = next(iter(steps))
        rest = {} if found.num_bytes is None else {"num_bytes": found.num_bytes}
        for what, array in [*((title(n), a) for n, a in steps.items()), *rest.items()]:
            if len(array) != len(found):
                raise ValueError(
                    f"{what}: expected one for each of the {len(found)} examples, as in "
                    f"{title(first)}, found {len(array)}"
                )
        return found

    def __len__(self) -> int:
        return len(next(iter(self.steps.values())))

    def of_feature(self, name: str, argument: str) -> NDArray[np.int64]:
        """The lengths of one feature.

        Raises:
            ValueError: there is no such feature.
        """
        if name not in self.steps:
            raise ValueError(
                f"{argument}: no lengths of a feature {name!r}; "
                + (
                    "they were given without a name"
                    if ONLY in self.steps
                    else did_you_mean(name, self.steps)
                )
            )
        return self.steps[name]

    def at(self, positions: NDArray[np.int64]) -> "ExampleLengths":
        """Those of some examples."""
        return ExampleLengths(
            {name: array[positions] for name, array in self.steps.items()},
            None if self.num_bytes is None else self.num_bytes[positions],
        )

    def digest(self) -> str:
        """The same for the same lengths alone."""
        state = hashlib.blake2b(digest_size=16)
        arrays = dict(self.steps)
        if self.num_bytes is not None:
            arrays["bytes of records"] = self.num_bytes
        for name, array in arrays.items():
            state.update(f"{name!r} {len(array)} ".encode())
            state.update(array.astype("<i8").tobytes())
        return state.hexdigest()


def title(name: str) -> str:
    """A feature's lengths, as messages name them."""
    return f"lengths[{name!r}]" if name else "lengths"
