"""Every example is a complete program: it runs, its own assertions hold, and it prints this."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"

PADDED_BLOCK = """\
Batch shape: (5, 4)
[[0 0 0 0]
 [1 0 0 0]
 [1 2 0 0]
 [1 2 3 0]
 [1 2 3 4]]
"""
PRINTED = {
    "sequence_example": """\
Wrote 3 examples to train.tfrecord
length 3  tokens [1 2 3]  labels [0 1 0]
length 3  tokens [4 5 1]  labels [1 0 0]
length 2  tokens [1 2]  labels [1 1]
""",
    "dynamic_padding": PADDED_BLOCK,
    "padding_queue": PADDED_BLOCK,
    "dynamic_rnn": """\
Outputs: (2, 10, 64)
Zeros past step 6 of the second row: True
The state is that of step 6: True
""",
    "bidirectional": """\
Forward outputs:  (2, 10, 64)
Backward outputs: (2, 10, 64)
Forward state:    (2, 64)
Backward state:   (2, 64)
""",
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example(path, tmp_path):
    finished = subprocess.run(
        [sys.executable, "-W", "error", path],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout
    assert not finished.stderr
    if path.stem in PRINTED:
        assert finished.stdout == PRINTED[path.stem]


def test_every_printed_example_exists():
    assert set(PRINTED) <= {path.stem for path in EXAMPLES.glob("*.py")}
