import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

from varlen.data import FIFOQueue, PaddingFIFOQueue, PriorityQueue, RandomShuffleQueue
from varlen.errors import CancelledError, OutOfRangeError

QUEUES = {
    "fifo": lambda capacity: FIFOQueue(capacity, "int64", [[]]),
    "padding": lambda capacity: PaddingFIFOQueue(capacity, "int64", [[]]),
    "shuffle": lambda capacity: RandomShuffleQueue(capacity, 0, "int64", [[]], seed=3),
    "priority": lambda capacity: PriorityQueue(capacity, [], [], names=["priority"]),
}


class Waiting:
    """A call in a thread of its own, and how it ends."""

    def __init__(self, function, *arguments):
        self.result = self.error = None
        self._thread = threading.Thread(target=self._run, args=(function, *arguments), daemon=True)
        self._thread.start()
        self._thread.join(0.05)

    def _run(self, function, *arguments):
        try:
            self.result = function(*arguments)
        except Exception as error:
            self.error = error

    @property
    def waits(self):
        return self._thread.is_alive()

    def end(self):
        self._thread.join(10)
        assert not self.waits
        return self


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture(params=list(QUEUES.values()), ids=list(QUEUES))
def make(request):
    def queue(capacity):
        return _Numbers(request.param(capacity))

    return queue


class _Numbers:
    """A queue of single numbers, whichever kind it is."""

    def __init__(self, queue):
        self.queue = queue
        self._named = isinstance(queue, PriorityQueue)

    def __getattr__(self, name):
        return getattr(self.queue, name)

    def _in(self, values):
        return {"priority": values} if self._named else [values]

    def _out(self, values):
        return np.asarray(values["priority"] if self._named else values).tolist()

    def enqueue(self, value, **timeout):
        self.queue.enqueue(self._in(value), **timeout)

    def enqueue_many(self, values, **timeout):
        self.queue.enqueue_many(self._in(values), **timeout)

    def dequeue(self, **timeout):
        return self._out(self.queue.dequeue(**timeout))

    def dequeue_many(self, n, **timeout):
        return self._out(self.queue.dequeue_many(n, **timeout))

    def dequeue_up_to(self, n, **timeout):
        return self._out(self.queue.dequeue_up_to(n, **timeout))


def test_an_enqueue_waits_for_room(make):
    queue = make(1)
    queue.enqueue(1)
    enqueue = Waiting(queue.enqueue, 2)
    assert enqueue.waits
    assert queue.dequeue() == 1
    enqueue.end()
    assert queue.dequeue() == 2


def test_a_dequeue_waits_for_an_element(make):
    queue = make(3)
    dequeue = Waiting(queue.dequeue)
    assert dequeue.waits
    queue.enqueue(5)
    assert dequeue.end().result == 5


def test_a_waiting_dequeue_many_collects_and_makes_room(make):
    queue = make(2)
    dequeue = Waiting(queue.dequeue_many, 5)
    for value in range(4):
        queue.enqueue(value, timeout=10.0)
    wait_until(lambda: queue.size() == 0)
    assert dequeue.waits
    queue.enqueue(4, timeout=10.0)
    assert sorted(dequeue.end().result) == [0, 1, 2, 3, 4]


def test_what_a_dequeue_many_collected_goes_back_when_the_queue_closes(make):
    queue = make(10)
    dequeue = Waiting(queue.dequeue_many, 3)
    queue.enqueue_many([1, 2])
    wait_until(lambda: queue.size() == 0)
    queue.close()
    assert isinstance(dequeue.end().error, OutOfRangeError)
    assert queue.size() == 2
    assert sorted(queue.dequeue_up_to(9)) == [1, 2]


def test_what_a_dequeue_many_collected_goes_back_when_time_is_up(make):
    queue = make(10)
    queue.enqueue_many([1, 2])
    with pytest.raises(TimeoutError, match=r"waiting for 0\.01 seconds"):
        queue.dequeue_many(3, timeout=0.01)
    queue.enqueue(3)
    assert sorted(queue.dequeue_many(3)) == [1, 2, 3]


def test_a_waiting_dequeue_up_to_gets_what_is_left_at_the_end(make):
    queue = make(10)
    dequeue = Waiting(queue.dequeue_up_to, 3)
    queue.enqueue_many([1, 2])
    queue.close()
    assert sorted(dequeue.end().result) == [1, 2]
    with pytest.raises(OutOfRangeError):
        queue.dequeue_up_to(1)


def test_an_enqueue_many_inserts_what_fits(make):
    queue = make(2)
    with pytest.raises(TimeoutError):
        queue.enqueue_many([1, 2, 3], timeout=0.01)
    assert sorted(queue.dequeue_many(2)) == [1, 2]


def test_closing_waits_for_those_who_wait_to_enqueue(make):
    queue = make(1)
    queue.enqueue(1)
    enqueue = Waiting(queue.enqueue, 2)
    close = Waiting(queue.close)
    late = Waiting(queue.enqueue, 3)
    assert enqueue.waits
    assert close.waits
    assert late.waits
    assert not queue.is_closed()
    assert queue.dequeue() == 1
    enqueue.end()
    assert close.end().error is None
    assert queue.is_closed()
    assert isinstance(late.end().error, CancelledError)
    assert queue.dequeue() == 2


def test_closing_with_cancelling_is_at_once(make):
    queue = make(1)
    queue.enqueue(1)
    enqueues = [Waiting(queue.enqueue, 2), Waiting(queue.enqueue_many, [3, 4])]
    close = Waiting(queue.close)
    queue.close(cancel_pending_enqueues=True)
    for enqueue in enqueues:
        assert isinstance(enqueue.end().error, CancelledError)
    assert isinstance(close.end().error, CancelledError)
    assert queue.dequeue() == 1
    with pytest.raises(OutOfRangeError):
        queue.dequeue()


def test_those_who_wait_are_served_in_turn():
    queue = FIFOQueue(10, "int64", [[]])
    dequeues = [Waiting(queue.dequeue_many, n) for n in (2, 1, 3)]
    queue.enqueue_many([[1, 2, 3, 4, 5, 6]])
    assert [dequeue.end().result.tolist() for dequeue in dequeues] == [[1, 2], [3], [4, 5, 6]]


def test_no_rows_are_fine_even_when_closed(make):
    queue = make(1)
    queue.enqueue(7)
    queue.enqueue_many([])
    queue.close()
    queue.enqueue_many([])
    assert queue.dequeue_many(0) == []
    assert queue.size() == 1


def test_many_threads_lose_nothing_and_take_nothing_twice(make):
    queue = make(7)
    producers = [
        Waiting(lambda first: [queue.enqueue(first + i) for i in range(100)], first)
        for first in (0, 100, 200, 300)
    ]
    consumers = [Waiting(lambda: [queue.dequeue() for _ in range(100)]) for _ in range(2)]
    consumers += [
        Waiting(lambda: [x for _ in range(20) for x in queue.dequeue_many(5)]),
        Waiting(lambda: [x for _ in range(25) for x in queue.dequeue_up_to(4)]),
    ]
    for producer in producers:
        producer.end()
    taken = [x for consumer in consumers for x in consumer.end().result]
    assert sorted(taken) == list(range(400))


def test_iterating_ends_with_the_queue():
    queue = FIFOQueue(3, "string")
    queue.enqueue("a")
    queue.enqueue(b"b")
    queue.close()
    assert list(queue) == ["a", b"b"]


def test_equal_priorities_keep_their_order():
    queue = PriorityQueue(10, "string", [[]])
    queue.enqueue_many([[2, 1, 2, 1], ["a", "b", "c", "d"]])
    with pytest.raises(TimeoutError):
        queue.dequeue_many(5, timeout=0.01)
    priorities, values = queue.dequeue_many(4)
    assert priorities.tolist() == [1, 1, 2, 2]
    assert values.tolist() == ["b", "d", "a", "c"]
    assert {type(value) for value in values} == {str}


def test_up_to_gives_what_is_left_of_a_closed_priority_queue():
    queue = PriorityQueue(10, "int64", [[]])
    queue.enqueue_many([[3, 1, 2], [30, 10, 20]])
    queue.close()
    with pytest.raises(OutOfRangeError):
        queue.dequeue_many(4)
    priorities, values = queue.dequeue_up_to(7)
    assert priorities.tolist() == [1, 2, 3]
    assert values.tolist() == [10, 20, 30]


def test_a_priority_is_a_single_number_also_without_shapes():
    queue = PriorityQueue(10, "int64")
    with pytest.raises(ValueError, match="component 0: expected shape"):
        queue.enqueue([[1, 2], 3])
    queue.enqueue([1, [3, 4]])
    priority, value = queue.dequeue()
    assert priority == 1
    assert value.tolist() == [3, 4]


def test_shuffling_keeps_some_and_gives_all_in_the_end():
    queue = RandomShuffleQueue(100, 10, "int64", [[]], seed=1)
    queue.enqueue_many([list(range(100))])
    first = queue.dequeue_many(90).tolist()
    with pytest.raises(TimeoutError):
        queue.dequeue(timeout=0.01)
    queue.close()
    everything = first + queue.dequeue_many(10).tolist()
    assert sorted(everything) == list(range(100))
    assert everything != list(range(100))


def test_a_seed_gives_one_order():
    def order(seed):
        queue = RandomShuffleQueue(100, 0, "int64", [[]], seed=seed)
        queue.enqueue_many([list(range(50))])
        return queue.dequeue_many(50).tolist()

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_shuffling_is_uniform():
    counts = np.zeros((4, 4))
    queue = RandomShuffleQueue(4, 0, "int64", [[]], seed=5)
    for _ in range(2000):
        queue.enqueue_many([[0, 1, 2, 3]])
        counts[range(4), queue.dequeue_many(4)] += 1
    assert np.abs(counts / 2000 - 0.25).max() < 0.05


def test_padding_is_per_batch_and_per_size():
    queue = PaddingFIFOQueue(10, ["float32", "string"], [[None, 2], [None]])
    queue.enqueue([np.ones((1, 2)), ["a", "b"]])
    queue.enqueue([np.ones((0, 2)), []])
    queue.enqueue([np.ones((3, 2)), ["c"]])
    floats, strings = queue.dequeue_many(2)
    assert floats.tolist() == [[[1, 1]], [[0, 0]]]
    assert strings.tolist() == [["a", "b"], ["", ""]]
    floats, strings = queue.dequeue_many(1)
    assert floats.shape == (1, 3, 2)
    assert strings.tolist() == [["c"]]
    floats, strings = queue.dequeue_many(0)
    assert floats.shape == (0, 0, 2)
    assert strings.shape == (0, 0)


def test_dtypes_are_those_of_the_first_element():
    queue = PaddingFIFOQueue(capacity=10, shapes=[[None]])
    queue.enqueue(np.arange(3, dtype=np.int16))
    queue.enqueue(np.arange(1))
    assert queue.dequeue_many(2).dtype == np.int16


def test_tensors_and_torch_dtypes():
    queue = FIFOQueue(3, [torch.float32, torch.int64], [[2], []])
    queue.enqueue([torch.tensor([1.0, 2.0]), torch.tensor(3)])
    row, number = queue.dequeue()
    assert row.dtype == np.float32
    assert row.tolist() == [1, 2]
    assert number == 3


def test_what_is_enqueued_is_copied():
    row = np.zeros(2)
    queue = FIFOQueue(3, "float64", [[2]])
    queue.enqueue(row)
    queue.enqueue_many(row[None])
    row += 1
    assert not queue.dequeue_many(2).any()


def test_a_shape_alone_stands_for_one_component():
    queue = FIFOQueue(3, "float64", (2,))
    queue.enqueue(np.zeros(2))
    assert queue.dequeue_many(1).shape == (1, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda q: q.enqueue(1.5), TypeError, "component 0: expected int32, found float64"),
        (lambda q: q.enqueue("a"), TypeError, "component 0: expected int32, found strings"),
        (
            lambda q: q.enqueue(2**40),
            ValueError,
            "numbers that fit into int32, found 1099511627776",
        ),
        (lambda q: q.enqueue([1, 2]), ValueError, r"1 component\(s\), found 2\n.*write \[value\]"),
        (lambda q: q.enqueue([[1, 2]]), ValueError, r"expected shape \(\), found \(2,\)"),
        (lambda q: q.enqueue_many([3]), ValueError, "a row for each element, found a scalar"),
        (lambda q: q.dequeue_many(-1), ValueError, "dequeue_many: n: expected at least 0"),
        (lambda q: q.dequeue_up_to(1.0), TypeError, "dequeue_up_to: n: expected an integer"),
    ],
)
@pytest.mark.wrong_types
def test_errors_of_calls(call, error, message):
    queue = FIFOQueue(3, "int32", [[]])
    with pytest.raises(error, match=message):
        call(queue)
    assert queue.size() == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FIFOQueue("3", "int32"), TypeError, "FIFOQueue: capacity: expected an integer"),
        (lambda: FIFOQueue(3), ValueError, "expected dtypes, or at least shapes"),
        (lambda: FIFOQueue(3, []), ValueError, "dtypes: expected at least one"),
        (lambda: FIFOQueue(3, "int31"), TypeError, r"dtypes\[0\]: expected a dtype, found 'int31'"),
        (lambda: FIFOQueue(3, "int32", 3), TypeError, "expected a list of shapes, found 3"),
        (lambda: FIFOQueue(3, "int32", [3]), TypeError, r"shapes\[0\]: expected a list of sizes"),
        (lambda: FIFOQueue(3, "int32", [[-1]]), ValueError, "expected sizes of 0 or more"),
        (lambda: FIFOQueue(3, "int32", [[None]]), ValueError, "PaddingFIFOQueue takes unknown"),
        (lambda: FIFOQueue(3, "int32", names=[1]), TypeError, "names: expected strings"),
        (lambda: FIFOQueue(3, ["int32"] * 2, names=["a", "a"]), ValueError, "each once"),
        (lambda: RandomShuffleQueue(3, 3, "int32"), ValueError, "less than the capacity 3"),
    ],
)
@pytest.mark.wrong_types
def test_errors_of_constructors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_elements_without_shapes_come_one_by_one():
    queue = FIFOQueue(3, "int32")
    queue.enqueue([[1, 2]])
    with pytest.raises(ValueError, match="expected shapes, without which"):
        queue.dequeue_many(1)
    assert queue.dequeue().tolist() == [1, 2]


def test_waiting_takes_no_processor_time():
    queue = FIFOQueue(3, "int32")
    before = time.process_time()
    with pytest.raises(TimeoutError):
        queue.dequeue(timeout=0.5)
    assert time.process_time() - before < 0.1


WAITS = """
from varlen.data import FIFOQueue
queue = FIFOQueue(1, "int32", [[]])
queue.enqueue(1)
print("waits", flush=True)
try:
    queue.dequeue_many(2)
except KeyboardInterrupt:
    print("left", queue.size())
    raise
"""


def test_ctrl_c_wakes_a_waiting_dequeue_and_loses_nothing():
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "waits\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        printed, complaint = process.communicate(timeout=10.0)
    assert printed == "left 1\n"
    assert complaint.endswith("KeyboardInterrupt\n")
