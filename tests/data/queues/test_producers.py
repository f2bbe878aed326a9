import gc
import signal
import subprocess
import sys
import threading
import time
import weakref
from itertools import islice

import numpy as np
import pytest
import torch

from varlen.data import FIFOQueue, range_input_producer, slice_input_producer, string_input_producer
from varlen.data.queues._fill import fill
from varlen.errors import CancelledError, OutOfRangeError


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def producing_threads():
    return [t for t in threading.enumerate() if t.name == "varlen-producer"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    gc.collect()
    wait_until(lambda: producing_threads() == [])


def test_each_epoch_is_a_permutation_of_its_own():
    numbers = [int(i) for i in range_input_producer(50, num_epochs=3, seed=1)]
    epochs = [numbers[i : i + 50] for i in range(0, 150, 50)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_seed_gives_one_order():
    def order(seed):
        return [int(i) for i in islice(range_input_producer(20, seed=seed), 45)]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_producer_fills_its_queue_up_to_the_capacity():
    queue = range_input_producer(5, capacity=3, shuffle=False)
    wait_until(lambda: queue.size() == 3)
    assert queue.dequeue_many(12).tolist() == [0, 1, 2, 3, 4] * 2 + [0, 1]
    assert queue.dequeue().dtype == np.int32


def test_a_queue_whose_producer_failed_is_let_go_of():
    def failing():
        yield 1
        raise LookupError("no more numbers")

    def used_up():
        queue = FIFOQueue(3, "int64", [[]])
        fill(queue, failing())
        assert queue.dequeue() == 1
        with pytest.raises(LookupError):
            queue.dequeue()
        return weakref.ref(queue)

    forgotten = used_up()
    gc.collect()
    assert forgotten() is None


def test_the_end_is_out_of_range():
    queue = range_input_producer(2, num_epochs=1)
    queue.dequeue_many(2)
    with pytest.raises(OutOfRangeError):
        queue.dequeue()


@pytest.mark.parametrize("num_epochs", [None, 2])
def test_nothing_ends_at_once(num_epochs):
    assert list(range_input_producer(0, num_epochs)) == []
    assert list(slice_input_producer([np.zeros((0, 2))], num_epochs)) == []


def test_a_consumer_may_close():
    queue = range_input_producer(5)
    queue.close(cancel_pending_enqueues=True)
    wait_until(lambda: producing_threads() == [])
    with pytest.raises(CancelledError):
        queue.enqueue(1)


def test_the_thread_ends_when_the_queue_is_forgotten():
    queue = range_input_producer(5)
    queue.dequeue()
    assert len(producing_threads()) == 1
    del queue
    gc.collect()
    wait_until(lambda: producing_threads() == [])


def test_many_forgotten_producers_leave_no_thread():
    for _ in range(300):
        slice_input_producer([[1, 2, 3]], shuffle=False).__next__()
    gc.collect()
    wait_until(lambda: producing_threads() == [])


def test_strings_of_both_kinds():
    assert list(string_input_producer(["b", "a"], num_epochs=1, shuffle=False)) == ["b", "a"]
    strings = list(string_input_producer(np.array([b"b\0", b"", b"c"], object), num_epochs=2))
    assert sorted(strings) == [b"", b"", b"b\0", b"b\0", b"c", b"c"]


def test_rows_stay_together():
    x, y = torch.arange(40).reshape(20, 2), np.arange(20) * 10
    rows = list(slice_input_producer([x, y], num_epochs=2, seed=3))
    assert len(rows) == 40
    for row, number in rows:
        assert isinstance(row, torch.Tensor)
        assert row.tolist() == [2 * (number // 10), 2 * (number // 10) + 1]


def test_a_shorter_tensor_is_an_error_when_its_rows_are_used_up():
    rows = slice_input_producer([[1, 2, 3], [4, 5]], num_epochs=1, shuffle=False)
    assert next(rows) == [1, 4]
    assert next(rows) == [2, 5]
    with pytest.raises(ValueError, match=r"tensor_list\[1\]: expected 3 rows, .* found 2"):
        next(rows)


def test_several_threads_may_use_one_producer():
    rows = slice_input_producer([range(1000)], num_epochs=1)
    taken = []
    threads = [
        threading.Thread(target=lambda: taken.extend(int(row[0]) for row in rows)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == list(range(1000))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: range_input_producer(-1), ValueError, "limit: expected at least 0, found -1"),
        (lambda: range_input_producer(1.0), TypeError, "limit: expected an integer"),
        (lambda: range_input_producer(1, 0), ValueError, "num_epochs: expected at least 1"),
        (lambda: string_input_producer([]), ValueError, "at least one string, found shape"),
        (lambda: string_input_producer("abc"), ValueError, r"found shape \(\)"),
        (lambda: string_input_producer([1]), TypeError, r"string_tensor\[0\]: expected a string"),
        (lambda: slice_input_producer([]), ValueError, "expected at least one tensor"),
        (lambda: slice_input_producer([[1], 2]), ValueError, r"tensor_list\[1\]: expected rows"),
        (lambda: slice_input_producer([[1]], -1), ValueError, "num_epochs: expected at least 1"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


ENDLESS = """
from varlen.data import range_input_producer
queue = range_input_producer(5)
print("begun", flush=True)
while True:
    queue.dequeue_many(7)
"""


def test_ctrl_c_ends_everything_at_once():
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=10)
    assert complaint.endswith("KeyboardInterrupt\n")
    assert complaint.count("Traceback") == 1
