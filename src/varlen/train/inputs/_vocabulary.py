"""The distinct tokens of a training split, each with its number."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Vocabulary:
    """Distinct tokens; the number of a token is its place among them.

    Nothing is reserved: whoever needs a number for what is not here adds one of their own.
    """

    tokens: tuple[str, ...]

    @classmethod
    def count(cls, tokens: Iterable[str], *, at_least: int = 1) -> "Vocabulary":
        """The tokens that occur `at_least` times, the frequent first, ties by alphabet.

        Args:
            tokens: as they come, or a Counter of them.
            at_least: what is rarer is left out.
        """
        counts = Counter(tokens)
        kept = [token for token, count in counts.items() if count >= at_least]
        return cls(tuple(sorted(kept, key=lambda token: (-counts[token], token))))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each token."""
        return {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self.numbers
