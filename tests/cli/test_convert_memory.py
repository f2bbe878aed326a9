"""Files of any size are converted in bounded memory."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

# The peak, in MiB, beside what the process takes before it begins.
# All of a file would be 96 MiB or more as arrays, and several times that as Python's objects.
LIMIT = 96
NUM_ROWS = 60_000
NUM_LINES = 20_000
STEPS = 200
COMMAND = """
import re, sys
from varlen.cli import main
import numpy, typer, tqdm, varlen.features, varlen.formats
try:
    import pyarrow.parquet
except ImportError:
    pass
# Not resource.getrusage, whose peak counts that of the parent before exec.
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10
before = peak()
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0
print(peak() - before, file=sys.stderr)
"""


def grown(*arguments):
    """By how many MiB the memory of a process grows that runs this command."""
    command = [sys.executable, "-c", COMMAND, "convert", *map(str, arguments)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return int(outcome.stderr.split()[-1])


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A folder of many steps in several formats, and as records."""
    folder = tmp_path_factory.mktemp("big")
    steps = list(range(1000, 1000 + STEPS))
    with gzip.open(folder / "a.jsonl.gz", "wt", compresslevel=1) as file:
        line = json.dumps({"id": "x" * 20, "x": steps}) + "\n"
        file.writelines(line for _ in range(NUM_LINES))
    with gzip.open(folder / "steps.csv.gz", "wt", compresslevel=1) as file:
        file.write("id,x\n")
        file.writelines(f"{i},{s}\n" for i in range(3000) for s in steps)
    np.savez_compressed(
        folder / "a.npz",
        x=np.tile(np.arange(STEPS, dtype=np.float64), NUM_ROWS),
        lengths=np.full(NUM_ROWS, STEPS),
    )
    table = pa.table({"x": pa.array([steps] * 10_000)})
    with parquet.ParquetWriter(folder / "a.parquet", table.schema) as writer:
        for _ in range(NUM_ROWS // 10_000):
            writer.write_table(table)
    assert grown(folder / "a.jsonl.gz", folder / "records") < LIMIT
    return folder


@pytest.mark.parametrize("name", ["a.npz", "a.parquet"])
def test_into_records(big, tmp_path, name):
    assert grown(big / name, tmp_path / "out") < LIMIT


def test_a_table_of_steps(big, tmp_path):
    assert grown(big / "steps.csv.gz", tmp_path / "out", "--group-by", "id") < LIMIT


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_out_of_records(big, tmp_path, name):
    assert grown(big / "records" / "*", tmp_path / name) < LIMIT
