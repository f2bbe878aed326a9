"""Writes the catalogue: `python -m catalogue [FOLDER]`; says what entries lack."""

import sys
from pathlib import Path

from catalogue.entries import TIMES, entries
from catalogue.page import render


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs")
    found = entries()
    machine = TIMES.read_text().split("\n")[0] if TIMES.exists() else "Not measured yet."
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cells.html"
    path.write_text(render(found, machine), encoding="utf-8")
    print(f"{path}: {len(found)} cells and wrappers")
    lacking = [entry for entry in found if entry.missing]
    for entry in lacking:
        print(f"{entry.name} lacks {', '.join(entry.missing)}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
