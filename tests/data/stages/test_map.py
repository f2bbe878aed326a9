import functools
import gc
import itertools
import multiprocessing
import operator
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import weakref

import pytest

from varlen.data import Map, Pipeline, Prefetch

# Of modules that worker processes can import too.
SQUARE = functools.partial(pow, exp=2)
INVERSE = functools.partial(operator.truediv, 1)


def workers_left():
    threads = [thread for thread in threading.enumerate() if thread.name == "varlen-map"]
    return threads + multiprocessing.active_children()


@pytest.fixture(autouse=True)
def _no_worker_is_left():
    yield
    gc.collect()
    assert workers_left() == []


def refuse_7(x):
    if x == 7:
        raise LookupError("it is 7")
    return x


def last_first(x):
    time.sleep(0.002 * (7 - x % 8))
    return x


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(Pipeline(range(40), Map(last_first, workers))) == list(range(40))


def test_workers_work_at_the_same_time():
    both = threading.Barrier(2, timeout=10)
    assert list(Pipeline(range(6), Map(lambda x: (both.wait(), x)[1], workers=2))) == [*range(6)]


def test_no_more_than_two_items_for_each_worker_are_taken_ahead():
    taken = []

    def numbers():
        for i in itertools.count():
            taken.append(i)
            yield i

    items = iter(Pipeline(numbers, Map(abs, workers=3)))
    assert taken == [], "nothing is done before it is asked for"
    for position in range(1, 5):
        next(items)
        assert len(taken) == position + 5
    while items.stats().queues != {"1 Map": (5, 6)}:
        time.sleep(0.001)
    assert items.state_dict()["position"] == {"upstream": {"upstream": {"taken": 4}, "step": 4}}
    assert "1 Map" not in items.stats().stages, "waiting is no work"


def test_an_error_comes_in_the_place_of_its_item_and_the_pass_goes_on():
    items = iter(Pipeline(range(10), Map(refuse_7, workers=2)))
    assert [next(items) for _ in range(7)] == list(range(7))
    for _ in range(2):
        with pytest.raises(LookupError, match="it is 7") as caught:
            next(items)
        assert "refuse_7" in [frame.name for frame in traceback.extract_tb(caught.tb)]


def test_an_error_of_the_source_comes_after_the_items_before_it():
    def numbers():
        yield from range(3)
        raise OSError("no more")

    items = iter(Pipeline(numbers, Map(abs, workers=2)))
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="no more"):
        next(items)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_function_cannot_end_the_pass_unnoticed(workers):
    items = Pipeline(range(3), Map(lambda x: next(iter([])), workers))
    with pytest.raises(RuntimeError, match="function of a stage raised StopIteration"):
        list(items)


def test_a_state_is_good_for_any_number_of_workers():
    states = {}
    for workers in (0, 1, 3):
        items = iter(Pipeline(range(9), Map(SQUARE, workers)))
        assert [next(items) for _ in range(4)] == [0, 1, 4, 9]
        states[workers] = items.state_dict()
    assert states[0] == states[1] == states[3]
    resumed = iter(Pipeline(range(9), Map(SQUARE, 2)))
    resumed.load_state_dict(states[0])
    assert list(resumed) == [16, 25, 36, 49, 64]
    deeper = iter(Pipeline(range(9), Map(SQUARE), Prefetch(2)))
    deeper_state = deeper.state_dict()
    iter(Pipeline(range(9), Map(SQUARE), Prefetch(5))).load_state_dict(deeper_state)


def test_threads_end_when_their_iterator_is_forgotten():
    for _ in range(30):
        items = iter(Pipeline(itertools.count, Map(abs, workers=2)))
        next(items)
        assert len(workers_left()) == 2
        del items
        assert workers_left() == []


def test_nothing_is_kept_of_a_pass_that_failed():
    items = iter(Pipeline(range(10), Map(refuse_7, workers=2)))
    with pytest.raises(LookupError) as caught:
        list(items)
    forgotten = weakref.ref(items)
    del items, caught
    gc.collect()
    assert forgotten() is None


def test_processes():
    """Results in order, an error in its place, and another process after one was killed."""
    items = iter(Pipeline([3, 2, 1, 0], Map(INVERSE, 1, processes=True)))
    assert [next(items) for _ in range(3)] == [1 / 3, 1 / 2, 1]
    assert len(multiprocessing.active_children()) == 1
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        next(items)
    assert "_remote_main.py" in str(caught.value.__cause__), "the traceback of the worker"
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=r"worker process .* was killed by SIGKILL\n .* memory"):
        next(items)
    with pytest.raises(ZeroDivisionError):
        list(items)
    del items, caught
    assert workers_left() == []


@pytest.mark.parametrize(
    ("items", "function", "message"),
    [
        ([1], lambda x: x, "expected a function that can be pickled.*lambda.*\n.*by functools"),
        ([lambda: 1], SQUARE, "expected items that can be pickled.*found function"),
        ([{}], dict.values, "expected a result that can be pickled.*found dict_values"),
    ],
)
def test_what_cannot_be_sent_to_another_process(items, function, message):
    pipeline = Pipeline(items, Map(function, 1, processes=True))
    with pytest.raises(TypeError, match=message):
        list(pipeline)


PROGRAM = """
import os, signal, threading, time
from varlen.data import Map, Pipeline

if __name__ == "__main__":
    items = iter(Pipeline([0, 0, 60, 60, 60], Map(time.sleep, 2, processes=True)))
    next(items), next(items)
    threading.Timer(0.3, os.killpg, (os.getpgrp(), signal.SIGINT)).start()
    try:
        next(items)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_ends_everything(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=50,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "interrupted", "")
    assert time.monotonic() - began < 40


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3,), TypeError, "Map: expected a function, found int"),
        ((abs, -1), ValueError, "Map: workers: expected at least 0"),
        ((abs, 1.5), TypeError, "Map: workers: expected an integer"),
        ((abs, 0, True), ValueError, "Map: workers: expected at least 1.*found 0"),
    ],
)
def test_arguments_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        Map(*arguments)
