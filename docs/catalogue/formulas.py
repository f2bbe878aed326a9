"""Sizes as formulas: what holds for any input size d and number of units n."""

from collections.abc import Callable, Sequence
from fractions import Fraction

# Sizes that every example allows: cells in groups want multiples. None has d = n, where some cells
# need no projection.
_SIZES = [(8, 16), (16, 64), (24, 16), (8, 32), (16, 48), (32, 64), (48, 80), (8, 96), (40, 32)]

Powers = tuple[int, int]
QUADRATIC: tuple[Powers, ...] = ((0, 2), (1, 1), (2, 0), (0, 1), (1, 0), (0, 0))
LINEAR: tuple[Powers, ...] = ((1, 0), (0, 1), (0, 0))


def formula(values: Callable[[int, int], int], terms: Sequence[Powers]) -> str | None:
    """The polynomial in d and n that `values` is, with its HTML markup; None if it is none.

    Args:
        values: of d and n.
        terms: the powers of d and n that may occur, in the order in which they are written.
    """
    rows = [[Fraction(d**i * n**j) for i, j in terms] for d, n in _SIZES]
    found = [Fraction(values(d, n)) for d, n in _SIZES]
    solution = _solve(rows[:], found[:], len(terms))
    if solution is None:
        return None
    for row, value in zip(rows, found, strict=True):
        if sum(c * x for c, x in zip(solution, row, strict=True)) != value:
            return None
    written = [_term(c, powers) for c, powers in zip(solution, terms, strict=True) if c]
    return " + ".join(written).replace("+ −", "− ") or "0"


def _term(coefficient: Fraction, powers: Powers) -> str:
    variables = "".join(
        f"<var>{name}</var>" + ("²" if power == 2 else "")
        for name, power in zip("dn", powers, strict=True)
        if power
    )
    sign = "−" if coefficient < 0 else ""
    size = abs(coefficient)
    number = "" if size.numerator == 1 and variables else str(size.numerator)
    divisor = "" if size.denominator == 1 else f"/{size.denominator}"
    return sign + number + variables + divisor


def _solve(
    rows: list[list[Fraction]], values: list[Fraction], unknowns: int
) -> list[Fraction] | None:
    """Gauss and Jordan's elimination; None if the rows do not determine the unknowns."""
    table = [[*row, value] for row, value in zip(rows, values, strict=True)]
    for column in range(unknowns):
        pivot = next((i for i in range(column, len(table)) if table[i][column]), None)
        if pivot is None:
            return None
        table[column], table[pivot] = table[pivot], table[column]
        head = [x / table[column][column] for x in table[column]]
        table = [
            head if i == column else [x - row[column] * y for x, y in zip(row, head, strict=True)]
            for i, row in enumerate(table)
        ]
    return [table[i][-1] for i in range(unknowns)]
