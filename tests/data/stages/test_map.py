"""`Map`, with workers and without: the same items, errors and states."""

import gc
import signal
import subprocess
import sys
import threading
import time

import pytest

from mapped_functions import fails_at_seven, kills_itself_at_three, square
from varlen.data import Map, Pipeline, Shuffle
from varlen.testing import check_stage

every_way = pytest.mark.parametrize("way", [{}, {"workers": 2}], ids=["here", "threads"])


def slow_for_even(number):
    time.sleep(0.02 * (number % 2 == 0))
    return number


def map_threads():
    return [t for t in threading.enumerate() if t.name.startswith("varlen-map")]


@every_way
def test_items_come_in_order(way):
    assert list(Pipeline(range(40), Map(square, **way))) == [i * i for i in range(40)]
    assert list(Pipeline([], Map(square, **way))) == []
    assert list(Pipeline(range(10), Map(slow_for_even, **way))) == list(range(10))


def test_threads_are_held_to_the_laws():
    check_stage(lambda: Pipeline(range(9), Shuffle(4, 0), Map(square, workers=3)))


def test_processes():
    """All of it in one pass, since processes take long to begin."""
    pipeline = Pipeline(range(20), Map(fails_at_seven, workers=2, processes=True))
    items = iter(pipeline)
    here = iter(Pipeline(range(20), Map(fails_at_seven)))
    assert [next(items) for _ in range(5)] == [next(here) for _ in range(5)] == list(range(5))
    here.load_state_dict(items.state_dict())
    items.load_state_dict(here.state_dict())
    assert [next(items), next(items)] == [next(here), next(here)] == [5, 6]
    for _ in range(2):  # a pipeline stays at the item that failed
        with pytest.raises(LookupError, match="seven") as raised:
            next(items)
        assert "fails_at_seven" in str(raised.getrepr(chain=True))


@every_way
def test_an_error_comes_in_its_turn_with_its_traceback(way):
    items = iter(Pipeline(range(20), Map(fails_at_seven, **way)))
    assert [next(items) for _ in range(7)] == list(range(7))
    for _ in range(2):  # a pipeline stays at the item that failed
        with pytest.raises(LookupError, match="seven") as raised:
            next(items)
        told = str(raised.getrepr(chain=True))
        assert "fails_at_seven" in told


@every_way
def test_an_error_of_the_upstream_comes_in_its_turn(way):
    def items():
        yield from range(5)
        raise OSError("gone")

    mapped = iter(Pipeline(items, Map(square, **way)))
    assert [next(mapped) for _ in range(5)] == [0, 1, 4, 9, 16]
    with pytest.raises(OSError, match="gone"):
        next(mapped)


def test_no_more_is_taken_than_twice_the_workers():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    mapped = iter(Pipeline(items, Map(square, workers=3)))
    assert next(mapped) == 0
    assert len(taken) == 6
    ready, size = mapped.stats().queues["1 Map"]
    assert size == 6
    assert 0 <= ready <= 5


def test_threads_work_at_once():
    barrier = threading.Barrier(3, timeout=30)

    def meet(item):
        barrier.wait()
        return item

    assert list(Pipeline(range(9), Map(meet, workers=3))) == list(range(9))


def test_no_thread_outlives_its_iterator():
    before = map_threads()

    def new():
        return [thread for thread in map_threads() if thread not in before]

    items = iter(Pipeline(range(100), Map(slow_for_even, workers=3)))
    assert new() == []  # they begin with the first item
    next(items)
    assert len(new()) == 3
    del items
    gc.collect()
    assert new() == []


def test_a_worker_that_is_killed():
    source = [0, 1, 3, 5]
    items = iter(Pipeline(source, Map(kills_itself_at_three, workers=1, processes=True)))
    assert next(items) == 0
    with pytest.raises(RuntimeError, match=r"ended in the middle of its work.*\n.*less memory"):
        list(items)
    source[2] = 4
    assert list(items)[-2:] == [4, 5]


def test_what_cannot_be_sent():
    def local(item):
        return item

    with pytest.raises(TypeError, match=r"can be sent to another process.*\n.*processes=False"):
        iter(Pipeline([1], Map(local, workers=1, processes=True)))
    with pytest.raises(TypeError, match="cannot pickle"):
        list(Pipeline([threading.Lock()], Map(square, workers=1, processes=True)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"workers": -1}, ValueError, "workers: expected at least 0"),
        ({"processes": True}, ValueError, "processes: expected workers with it"),
    ],
)
def test_arguments_are_checked(arguments, error, message):
    with pytest.raises(error, match=message):
        Map(square, **arguments)


SCRIPT = """
import time
from varlen.data import Map, Pipeline

def slowly(item):
    time.sleep(0.05)
    return item

if __name__ == "__main__":
    for item in Pipeline(range(10_000), Map(slowly, workers=2, processes={processes})):
        print(item, flush=True)
"""


@pytest.mark.parametrize("processes", [False, True])
def test_an_interrupt_ends_everything(tmp_path, processes):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(processes=processes))
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)  # also waits for those who hold the pipe
    assert time.monotonic() - began < 30
    assert process.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(processes=True))
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        process.stdout.readline()
        process.kill()
        process.communicate(timeout=60)  # ends when nobody holds the pipe any more
