"""Programs that are interrupted, workers that are killed, producers that are slow, many passes."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import islice

import pytest

from varlen.data import Batch, Map, Pipeline, Prefetch, Records, Shuffle
from varlen.records import RecordWriter

INTERRUPTED = """
import signal, time
from itertools import count
from torch.utils.data import DataLoader
from varlen.data import Pipeline, Prefetch

pipeline = Pipeline(count, Prefetch(3))
num_workers = {num_workers}
items = iter(pipeline) if num_workers is None else iter(
    DataLoader(pipeline, batch_size=None, num_workers=num_workers)
)
try:
    for item in items:
        if item == 10:
            print("running", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    del items
"""


@pytest.mark.parametrize("num_workers", [None, 0, 2])
def test_ctrl_c_ends_a_pass(num_workers):
    # A session of its own: as at a terminal, the signal is for the workers, too.
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(num_workers=num_workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # torch's workers print that they were interrupted
        text=True,
        start_new_session=True,
    )
    assert program.stdout.readline() == "running\n"
    began = time.monotonic()
    os.killpg(program.pid, signal.SIGINT)
    assert program.stdout.readline() == "interrupted\n"
    took = time.monotonic() - began
    assert program.wait(50) == 0
    program.stdout.close()
    with pytest.raises(ProcessLookupError):  # nobody is left
        os.killpg(program.pid, 0)
    assert took < 10, "it is a hundredth of a second on an idle machine"


KILLED = """
import os, signal
from itertools import count
from torch.utils.data import DataLoader
from varlen.data import Pipeline

batches = iter(DataLoader(Pipeline(count), batch_size=None, num_workers=2))
try:
    for i in batches:
        if i == 10:
            os.kill(batches._workers[1].pid, signal.SIGKILL)
except RuntimeError as error:
    print(error)
"""


def test_a_killed_worker_is_an_error():
    done = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "worker" in done.stdout
    assert "Killed" in done.stdout or "exited unexpectedly" in done.stdout


def test_who_waits_for_a_slow_producer_sleeps():
    def slow():
        time.sleep(0.5)
        yield 1

    began, busy = time.monotonic(), time.process_time()
    assert list(Pipeline(slow, Prefetch(2))) == [1]
    assert time.monotonic() - began >= 0.5
    assert time.process_time() - busy < 0.1


def resources():
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts file handles of Linux")
@pytest.mark.parametrize("workers", [0, 2])
def test_many_starts_and_stops_leave_nothing(tmp_path, workers):
    path = tmp_path / "some.tfrecord"
    with RecordWriter(path) as writer:
        for i in range(100):
            writer.write(bytes([i]))
    pipeline = Pipeline(
        Records(path),
        Shuffle(10, seed=1),
        Map(lambda record: {"byte": record.data[0]}, workers=workers),
        Batch(4),
        Prefetch(2),
    )
    next(iter(pipeline))
    before = resources()
    for i in range(200):  # `benchmarks/starts_and_stops.py` makes ten thousand
        batches = iter(pipeline)
        list(islice(batches, (0, 1, 2, None)[i % 4]))
        del batches
    assert resources() == before
