"""One reference case: its entry in the index, its arrays, its files."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

OWN_ROOT = Path(__file__).resolve().parent.parent / "golden" / "oracle"
ROOT = Path(os.environ.get("VARLEN_ORACLE", OWN_ROOT)).resolve()


@dataclass(frozen=True)
class Case:
    root: Path
    entry: dict[str, Any]

    @property
    def name(self) -> str:
        return self.entry["name"]

    @property
    def kind(self) -> str:
        return self.entry["kind"]

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        if self.entry.get("file") is None:
            return {}
        with np.load(self.root / self.entry["file"], allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}

    def leaves(self, name: str) -> list[np.ndarray] | None:
        """The flattened leaves `name/0`, `name/1`, ...; None if there are none."""
        found = []
        while f"{name}/{len(found)}" in self.arrays:
            found.append(self.arrays[f"{name}/{len(found)}"])
        return found or None

    def strings(self, name: str) -> np.ndarray:
        """Byte strings stored as joined bytes and offsets, as an object array."""
        joined = self.arrays[f"{name}.bytes"].tobytes()
        offsets = self.arrays[f"{name}.offsets"].tolist()
        items = np.empty(len(offsets) - 1, object)
        items[:] = [joined[a:b] for a, b in pairwise(offsets)]
        shape = self.arrays.get(f"{name}.shape")
        return items if shape is None else items.reshape(shape)

    def path(self, relative: str) -> Path:
        return self.root / relative


def load_cases(root: Path = ROOT) -> list[Case]:
    index = json.loads((root / "index.json").read_text())
    return [Case(root, entry) for entry in index["cases"]]


def assert_equal(actual: Any, expected: np.ndarray, what: str) -> None:
    """Equal to the tolerance that the case set promises, relative to the largest magnitude."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: {actual.shape} against {expected.shape}"
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    relative = 1e-9 if expected.dtype == np.float64 else 3e-5
    finite = np.abs(expected[np.isfinite(expected)])
    bound = relative * max(finite.max(initial=0.0), np.finfo(expected.dtype).tiny)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=bound, err_msg=what)
