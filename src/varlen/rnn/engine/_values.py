"""Elementwise arithmetic as a list of values, each an operation on earlier ones.

Where both operands are numbers, the result is a number; adding 0 and multiplying by 1 is nothing;
the same value is never made twice.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Constant(NamedTuple):
    """A number that is the same for all rows and units."""

    number: float


class Value(NamedTuple):
    """An operation on earlier values, which are named by their numbers in the list."""

    operation: str
    operands: tuple[int, ...] = ()
    constant: float = 0.0


Term = int | Constant
"""The number of a value, or a constant."""


class Values:
    """Values in an order in which they can be computed; the first ones are the inputs."""

    def __init__(self, num_inputs: int) -> None:
        self._list = [Value("input", (), float(i)) for i in range(num_inputs)]
        self._numbers = {value: i for i, value in enumerate(self._list)}

    def __getitem__(self, number: int) -> Value:
        return self._list[number]

    def make(self, operation: str, *operands: int, constant: float = 0.0) -> int:
        """The number of this value, new or not."""
        value = Value(operation, operands, constant)
        if value not in self._numbers:
            self._numbers[value] = len(self._list)
            self._list.append(value)
        return self._numbers[value]

    def number(self, term: Term) -> int:
        """The number of a term, which for a constant is a value that is filled with it."""
        return self.make("fill", constant=term.number) if isinstance(term, Constant) else term

    def needed(self, results: Iterable[int]) -> list[int]:
        """What has to be computed for the results, in order, without the inputs."""
        found: set[int] = set()
        open_ = list(results)
        while open_:
            number = open_.pop()
            if number not in found:
                found.add(number)
                open_ += self._list[number].operands
        return sorted(n for n in found if self._list[n].operation != "input")

    def depends(self, result: Term, on: int) -> bool:
        """Whether a result needs the value `on`."""
        if isinstance(result, Constant):
            return False
        return result == on or any(
            on in self._list[number].operands for number in self.needed([result])
        )

    def add(self, a: Term, b: Term) -> Term:
        if isinstance(a, Constant):
            a, b = b, a
        if isinstance(a, Constant):
            return Constant(a.number + b.number)  # type: ignore[union-attr]
        if isinstance(b, Constant):
            return a if b.number == 0 else self.make("add_scalar", a, constant=b.number)
        return self.make("add", *sorted((a, b)))

    def subtract(self, a: Term, b: Term) -> Term:
        if isinstance(b, Constant):
            return self.add(a, Constant(-b.number))
        if isinstance(a, Constant):
            return self.negate(b) if a.number == 0 else self.make("reverse", b, constant=a.number)
        return self.make("subtract", a, b)

    def negate(self, a: Term) -> Term:
        return Constant(-a.number) if isinstance(a, Constant) else self.make("negate", a)

    def multiply(self, a: Term, b: Term) -> Term:
        if isinstance(a, Constant):
            a, b = b, a
        if isinstance(a, Constant):
            return Constant(a.number * b.number)  # type: ignore[union-attr]
        if not isinstance(b, Constant):
            return self.make("multiply", *sorted((a, b)))
        if b.number == 1:
            return a
        return self.negate(a) if b.number == -1 else self.make("scale", a, constant=b.number)

    def divide(self, a: Term, b: Term) -> Term:
        if isinstance(b, Constant) and b.number != 0:
            return self.multiply(a, Constant(1 / b.number))
        return self.make("divide", self.number(a), self.number(b))

    def compare(self, operation: str, a: Term, b: Term) -> Term:
        """1 where `a > b` (`greater`, `greater_equal`, `less`, `less_equal`), else 0."""
        if isinstance(a, Constant):
            a, b, operation = b, a, _MIRRORED[operation]
        if not isinstance(b, Constant):
            a, b = self.subtract(a, b), Constant(0.0)
        return self.make(operation, self.number(a), constant=b.number)


CONDITIONS = ("greater", "greater_equal", "less", "less_equal", "and")
"""Operations that give 1 or 0."""

_MIRRORED = {
    "greater": "less",
    "less": "greater",
    "greater_equal": "less_equal",
    "less_equal": "greater_equal",
}
