"""One entry per public cell: what its docstring, its class and the benchmark say."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from latex2mathml.converter import convert

from catalogue import docstrings
from catalogue.docstrings import Docstring
from catalogue.facts import Facts, facts
from catalogue.zoo import is_wrapper, public_cells
from varlen.train import CELLS, make_cell

ROOT = Path(__file__).parents[2]
TIMES = ROOT / "benchmarks" / "results" / "cells.txt"


@dataclass(frozen=True)
class Speed:
    """A row of `benchmarks/results/cells.txt`: a training step, beside the LSTM's."""

    milliseconds: float
    relative: float


@dataclass(frozen=True)
class Entry:
    """All that the catalogue says of a cell; None, or empty, where it is missing.

    `short_names` are those by which `varlen train --cell` knows it.
    """

    name: str
    is_wrapper: bool
    doc: Docstring
    facts: Facts | None
    speed: Speed | None
    short_names: tuple[str, ...] = ()

    @property
    def mathml(self) -> list[str]:
        return [convert(equation, display="block") for equation in self.doc.equations]

    @property
    def missing(self) -> list[str]:
        """The parts that it lacks. Wrappers need no paper: some are only plumbing."""
        parts = {
            "a summary": self.doc.summary,
            "Equations: with $$...$$": self.doc.equations,
            "When to choose it:": self.doc.choose,
            "Args:": self.doc.arguments or "arguments" in self.doc.parameters,
            "Parameters:": self.doc.parameters,
            "a paper (authors, year)": self.is_wrapper or self.doc.cites_a_paper,
            "a row in benchmarks/results/cells.txt": self.speed,
            "an example in docs/catalogue/zoo.py": self.facts,
        }
        return [part for part, found in parts.items() if not found]


@cache
def entries() -> tuple[Entry, ...]:
    """Cells, then wrappers, each by name."""
    speeds = read_speeds(TIMES.read_text() if TIMES.exists() else "")
    owners = {short: _class_of(short) for short in CELLS}
    found = [
        Entry(
            name,
            is_wrapper(cell),
            docstrings.parse(cell.__doc__),
            _facts_if_any(name),
            speeds.get(name),
            tuple(short for short, owner in owners.items() if owner is cell),
        )
        for name, cell in public_cells().items()
    ]
    return tuple(sorted(found, key=lambda entry: (entry.is_wrapper, entry.name.lower())))


def _class_of(short_name: str) -> type:
    """The class of a cell that `varlen train` knows by a short name."""
    cell = make_cell(short_name, 8, 16)
    return type(getattr(cell, "cell", cell))


def _facts_if_any(name: str) -> Facts | None:
    try:
        return facts(name)
    except LookupError:
        return None


def read_speeds(text: str) -> dict[str, Speed]:
    """The rows of a table of times."""
    rows = re.findall(r"^(\w+) +([\d.]+) ms +([\d.]+) x", text, re.MULTILINE)
    return {name: Speed(float(time), float(ratio)) for name, time, ratio in rows}
