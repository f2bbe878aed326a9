"""A forked process has none of the threads that work ahead, and must not wait for them."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal
from varlen.data import FIFOQueue, Pipeline, Prefetch, QueueRunner, range_input_producer

queue = range_input_producer(5, shuffle=False)
run = FIFOQueue(2, "int64", [[]])
threads = QueueRunner(run, [lambda: run.enqueue(1)]).create_threads(start=True)
items = iter(Pipeline(range(1000), Prefetch(2)))
take = {{"queue": queue.dequeue, "runner": run.dequeue, "prefetch": lambda: next(items)}}[{of!r}]
take()
if os.fork() == 0:
    signal.alarm(20)
    try:
        for _ in range(100):
            take()
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
print("status", os.wait()[1], "and goes on with", take())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("of", ["queue", "runner", "prefetch"])
def test_a_forked_process_does_not_wait_for_threads_it_has_not(of):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(of=of)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "another process, of which this one was forked" in done.stdout, done.stderr
    assert "status 0 and goes on with 1" in done.stdout
