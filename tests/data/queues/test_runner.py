import itertools
import signal
import subprocess
import sys
import threading
import time

import pytest

from varlen.data import Coordinator, FIFOQueue, QueueRunner
from varlen.errors import CancelledError, OutOfRangeError


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("varlen-"):
            thread.join(10)
            assert not thread.is_alive()


def numbers(capacity=3):
    return FIFOQueue(capacity, "int64", [[]])


def fill(queue, items):
    iterator = iter(items)
    return lambda: queue.enqueue(next(iterator))


def test_exhaustion_travels_downstream():
    first, second = numbers(), numbers()
    QueueRunner(first, [fill(first, range(20))]).create_threads(start=True)
    runner = QueueRunner(second, [lambda: second.enqueue(first.dequeue() * 10)])
    runner.create_threads(start=True)
    assert list(second) == [i * 10 for i in range(20)]
    assert runner.exceptions_raised == []
    assert runner.queue is second


def test_the_last_of_several_threads_closes():
    queue = numbers()
    ops = [fill(queue, range(first, first + 50)) for first in (0, 50, 100)]
    QueueRunner(queue, ops).create_threads(start=True)
    assert sorted(queue) == list(range(150))


def failing(queue):
    def items():
        yield from range(3)
        raise LookupError("the file is gone")

    return fill(queue, items())


def test_an_error_reaches_the_consumer_after_the_elements_before_it():
    queue = numbers(10)
    runner = QueueRunner(queue, [failing(queue)])
    for thread in runner.create_threads(start=True):
        thread.join()
    assert [queue.dequeue() for _ in range(3)] == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(LookupError, match="the file is gone"):
            queue.dequeue()
    assert [type(error) for error in runner.exceptions_raised] == [LookupError]


def test_an_error_wakes_a_waiting_consumer_and_cancels_the_other_threads():
    queue = numbers()
    runner = QueueRunner(queue, [failing(queue), fill(queue, itertools.count(100))])
    threads = runner.create_threads(start=True)
    with pytest.raises(LookupError):
        list(queue)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert len(runner.exceptions_raised) == 1


def test_an_error_stops_the_coordinator():
    queue = numbers(10)
    coordinator = Coordinator()
    runner = QueueRunner(queue, [failing(queue)])
    runner.create_threads(coordinator, start=True)
    assert coordinator.wait_for_stop(10.0)
    with pytest.raises(LookupError, match="the file is gone"):
        coordinator.join()
    assert runner.exceptions_raised == []


def test_a_stop_cancels_waiting_enqueues_and_is_no_error():
    queue = numbers(2)
    coordinator = Coordinator()
    threads = QueueRunner(queue, [fill(queue, itertools.count())]).create_threads(
        coordinator, start=True
    )
    assert queue.dequeue() == 0
    coordinator.request_stop()
    coordinator.join(threads, stop_grace_period_secs=10.0)
    assert coordinator.joined
    assert queue.is_closed()


def test_join_returns_when_all_have_ended_without_a_stop():
    queue = numbers(10)
    coordinator = Coordinator()
    threads = QueueRunner(queue, [fill(queue, range(3))]).create_threads(coordinator, start=True)
    coordinator.join(threads)
    assert not coordinator.should_stop()
    assert list(queue) == [0, 1, 2]


def test_no_new_threads_while_the_old_ones_run():
    queue = numbers(1)
    runner = QueueRunner(queue, [fill(queue, range(2))])
    threads = runner.create_threads(start=True)
    assert len(threads) == 1
    assert runner.create_threads(start=True) == []
    assert list(queue) == [0, 1]
    threads[0].join(10)
    later = runner.create_threads(start=True)
    assert len(later) == 1
    later[0].join(10)


def test_own_ends():
    queue, called = numbers(), []

    def enqueue():
        raise KeyError("end")

    runner = QueueRunner(
        queue,
        [enqueue, enqueue],
        close_op=lambda: called.append("close"),
        cancel_op=lambda: called.append("cancel"),
        queue_closed_exception_types=(KeyError,),
    )
    coordinator = Coordinator()
    coordinator.join(runner.create_threads(coordinator, start=True))
    assert called == ["close"]
    coordinator.request_stop()
    assert called == ["close", "cancel"]


def test_a_closed_queue_ends_its_threads():
    queue = numbers(1)
    runner = QueueRunner(queue, [fill(queue, itertools.count())])
    (thread,) = runner.create_threads(start=True)
    queue.close(cancel_pending_enqueues=True)
    thread.join(10)
    assert not thread.is_alive()
    assert runner.exceptions_raised == []


def test_what_cancels_elsewhere_is_an_error():
    other = numbers()
    other.close()
    queue = numbers()
    QueueRunner(queue, [lambda: other.enqueue(1)]).create_threads(start=True)
    with pytest.raises(CancelledError):
        queue.dequeue()


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, [print]), ValueError, "queue: expected a queue, found None"),
        ((3, [print]), TypeError, "queue: expected a queue, found 3"),
        ((FIFOQueue(1, "int64"), []), ValueError, "expected at least one function"),
        ((FIFOQueue(1, "int64"), [3]), TypeError, r"enqueue_ops\[0\]: .*\n  write `lambda"),
        ((FIFOQueue(1, "int64"), [print], None, None, ()), TypeError, "a tuple of exception"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        QueueRunner(*arguments)


ENDLESS = """
import itertools
from varlen.data import Coordinator, FIFOQueue, QueueRunner
full, empty = FIFOQueue(1, "int64", [[]]), FIFOQueue(1, "int64", [[]])
count = itertools.count()
coordinator = Coordinator()
runner = QueueRunner(full, [lambda: full.enqueue(next(count))] * 3)
threads = runner.create_threads(coordinator, start=True)
print("waits", flush=True)
{wait}
"""


@pytest.mark.parametrize("wait", ["coordinator.join(threads)", "empty.dequeue()"])
def test_ctrl_c_ends_everything_at_once(wait):
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS.format(wait=wait)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "waits\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=10)
    assert complaint.endswith("KeyboardInterrupt\n")
    assert complaint.count("Traceback") == 1


def test_ends_are_out_of_range_by_default():
    queue = numbers()

    def enqueue():
        raise OutOfRangeError("no more")

    QueueRunner(queue, [enqueue]).create_threads(start=True)
    assert list(queue) == []
