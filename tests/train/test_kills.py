import os
import subprocess
import sys
from pathlib import Path

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


def test_a_run_that_is_killed_and_resumed_ends_with_the_same_weights():
    """A few of the kills of which `benchmarks/kills.py` makes many."""
    done = subprocess.run(
        [sys.executable, KILLS, "--kills", "3", "--within", "0.7", "--epochs", "15"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit for bit" in done.stdout
    assert "killed 0 times" not in done.stdout
