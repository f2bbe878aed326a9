"""Trains on real data and prints our figures beside published ones.

    python benchmarks/published.py --results build/published.jsonl
    python benchmarks/published.py --results build/published.jsonl --rows jsb-lstm jsb-gru
    python benchmarks/published.py --results build/published.jsonl --data FOLDER
    python benchmarks/published.py --results build/published.jsonl --table

Each row is a data set, a model and a protocol (`published_rows.py`); it is trained with several
seeds, and each training appends its figure to the file of results as soon as it is there. A row
that is there is not done again, and a training that was interrupted goes on where it was, so this
may be stopped at any time. `--data` names a folder with the files that varlen may not ship:
nottingham.jsonl.gz and musedata.jsonl.gz.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from machine import processor
from published_rows import BUNDLED, ROWS, Row

import varlen
from varlen.train import RunFolder, load_task


def main() -> None:
    given = parse_arguments()
    rows = [row for row in ROWS if not given.rows or row.name in given.rows]
    given.results.parent.mkdir(parents=True, exist_ok=True)
    if not given.table:
        for row in rows:
            for seed in range(row.seeds):
                if not any(x["seed"] == seed for x in results_of(row, given.results)):
                    train_row(row, seed, given)
    lines = list(table(rows, given.results))
    print("\n".join(lines))
    if given.save:
        given.save.write_text("\n".join(lines) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [row.name for row in ROWS]
    parser.add_argument(
        "--results", type=Path, required=True, metavar="FILE", help="results so far, JSON Lines"
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="files that are not shipped")
    parser.add_argument(
        "--rows", nargs="+", choices=names, metavar="ROW", help=f"of {', '.join(names)}"
    )
    parser.add_argument("--table", action="store_true", help="print what is there, train nothing")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there, too")
    return parser.parse_args()


def train_row(row: Row, seed: int, given: argparse.Namespace) -> None:
    """One training by the command line, and its figure on the split of the protocol."""
    path = BUNDLED / row.path if row.is_bundled else given.data and given.data / row.path
    if path is None or not path.exists():
        print(f"{row.name}: left out, for there is no {row.path}; --data FOLDER has it", flush=True)
        return
    work = given.results.parent
    run = work / f"{row.name}-{seed}"
    varlen_train = [sys.executable, "-m", "varlen", "train"]
    if (run / "config.json").exists():
        command = [*varlen_train, "--resume", str(run)]
    else:
        config = work / f"{row.name}.toml"
        config.write_text(row.config)
        command = [*varlen_train, row.task, str(path), "--run", str(run), "--config", str(config)]
        command += ["--seed", str(seed), *row.options]
    print(f"{row.name}, seed {seed}", flush=True)
    began = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - began
    result = {
        "row": row.name,
        "seed": seed,
        "config": row.config,
        **figure(row, run),
        "seconds": seconds,
        "version": varlen.__version__,
        "torch": torch.__version__,
        "processor": processor(),
        "date": str(datetime.date.today()),
    }
    with given.results.open("a") as file:
        file.write(json.dumps(result) + "\n")


def figure(row: Row, run: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "varlen", "evaluate", str(run), "--json"]
    done = subprocess.run(
        [*command, "--split", row.split], check=True, stdout=subprocess.PIPE, text=True
    )
    model = load_task(RunFolder.open(run)).model
    return {
        "figure": json.loads(done.stdout)["metrics"][row.metric]["value"],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


def results_of(row: Row, path: Path) -> list[dict[str, Any]]:
    """Those of the row as it is now: its settings may have been others."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [x for x in found if x["row"] == row.name and x["config"] == row.config]


def table(rows: list[Row], results: Path) -> Iterator[str]:
    yield f"# python benchmarks/published.py, {datetime.date.today()}"
    yield (
        f"{processor()}, {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"varlen {varlen.__version__}, torch {torch.__version__}"
    )
    for data in dict.fromkeys(row.data for row in rows):
        yield f"\n{data}"
        mine = [row for row in rows if row.data == data]
        for line in dict.fromkeys(line for row in mine for line in row.published):
            yield f"  published  {line}"
        for row in mine:
            yield f"  {line_of(row, results_of(row, results))}"


def line_of(row: Row, found: list[dict[str, Any]]) -> str:
    if not found:
        return f"{row.name:18} not done"
    figures = [x["figure"] for x in found]
    mean = statistics.fmean(figures)
    spread = f" ± {row.show(statistics.stdev(figures), unit=False)}" if len(figures) > 1 else ""
    reached = mean >= row.target if row.higher_is_better else mean <= row.target
    bound = "at least" if row.higher_is_better else "at most"
    seconds = statistics.fmean(x["seconds"] for x in found)
    return (
        f"{row.name:18} {row.show(mean)}{spread} ({len(figures)} "
        f"{'seed' if len(figures) == 1 else 'seeds'}), target {bound} {row.show(row.target)}: "
        f"{'reached' if reached else 'MISSED'}; {found[0]['parameters']:,} parameters, "
        f"{seconds:,.0f} s"
    )


if __name__ == "__main__":
    main()
