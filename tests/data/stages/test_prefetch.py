import gc
import itertools
import subprocess
import sys
import threading
import time
import traceback
import weakref
from contextlib import nullcontext

import pytest

from varlen.data import Pipeline, Prefetch

of_other_tests = weakref.WeakSet()  # threads that an error of theirs, or what checks shapes, keeps


def prefetching_threads():
    named = [t for t in threading.enumerate() if t.name == "varlen-prefetch"]
    return [thread for thread in named if thread not in of_other_tests]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    of_other_tests.update(prefetching_threads())
    yield
    gc.collect()
    assert prefetching_threads() == []


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_items_keep_their_order():
    assert list(Pipeline(range(1000), Prefetch(3))) == list(range(1000))


@pytest.mark.parametrize("n", [1, 3])
def test_no_more_than_n_items_are_made_ready(n):
    made = []

    def numbers():
        for i in itertools.count():
            made.append(i)
            yield i

    items = iter(Pipeline(numbers, Prefetch(n)))
    assert made == [], "nothing is done before it is asked for"
    for taken in range(1, 4):
        next(items)
        wait_until(lambda taken=taken: len(made) == taken + n)
        time.sleep(0.01)
        assert len(made) == taken + n


def test_an_error_comes_after_the_items_before_it_with_its_traceback():
    def numbers():
        yield from range(3)
        raise_here()

    def raise_here():
        raise LookupError("no more numbers")

    items = iter(Pipeline(numbers, Prefetch(2)))
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError, match="no more numbers") as caught:
        next(items)
    assert "raise_here" in [frame.name for frame in traceback.extract_tb(caught.tb)]


def test_the_thread_ends_with_the_pass():
    items = iter(Pipeline(range(5), Prefetch(2)))
    list(items)
    wait_until(lambda: not prefetching_threads())
    assert next(items, None) is None


@pytest.mark.parametrize("end", [None, LookupError("no more numbers")])
def test_nothing_is_kept_of_a_pass_that_has_ended(end):
    def numbers():
        yield from range(3)
        if end is not None:
            raise end

    def whole_pass():
        items = iter(Pipeline(numbers, Prefetch(2)))
        with nullcontext() if end is None else pytest.raises(LookupError):
            list(items)
        return weakref.ref(items)

    forgotten = whole_pass()
    if end is not None:
        end.__traceback__ = None
    gc.collect()
    assert forgotten() is None


def test_a_pass_ends_once_more():
    items = iter(Pipeline(range(2), Prefetch(2)))
    assert list(items) == [0, 1]
    assert list(items) == []


def test_the_thread_ends_when_its_iterator_is_forgotten():
    for _ in range(50):
        items = iter(Pipeline(itertools.count, Prefetch(2)))
        next(items)
        assert len(prefetching_threads()) == 1
        del items
        assert prefetching_threads() == []


def test_the_thread_ends_when_a_state_is_loaded():
    items = iter(Pipeline(itertools.count, Prefetch(2)))
    state = items.state_dict()
    for _ in range(20):
        assert [next(items), next(items)] == [0, 1]
        items.load_state_dict(state)
        assert prefetching_threads() == []


PROGRAM = """
import itertools, os, signal, sys, threading, time
from varlen.data import Pipeline, Prefetch

def slow():
    yield 0
    time.sleep({delay})
    yield from itertools.count(1)

items = iter(Pipeline(slow, Prefetch(2)))
next(items)
if {interrupt}:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        next(items)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    ("delay", "interrupt", "printed"), [(1, True, "interrupted"), (0, False, "")]
)
def test_a_program_ends_while_a_thread_is_ahead(delay, interrupt, printed):
    """With the iterator still there, and after Ctrl-C while it was waiting."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(delay=delay, interrupt=interrupt)],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, printed, "")
    assert time.monotonic() - began < 40


@pytest.mark.wrong_types
@pytest.mark.parametrize(("n", "error"), [(0, ValueError), (1.5, TypeError)])
def test_numbers_that_cannot_be(n, error):
    with pytest.raises(error, match="Prefetch: n: expected"):
        Prefetch(n)
