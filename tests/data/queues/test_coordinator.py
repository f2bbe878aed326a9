import threading
import time

import pytest

from varlen.data import Coordinator, LooperThread
from varlen.errors import OutOfRangeError


def test_a_stop_is_seen_by_all():
    coordinator = Coordinator()
    assert not coordinator.should_stop()
    assert not coordinator.wait_for_stop(0.01)
    threads = [threading.Thread(target=coordinator.wait_for_stop) for _ in range(3)]
    for thread in threads:
        thread.start()
        coordinator.register_thread(thread)
    coordinator.request_stop()
    coordinator.join()
    assert coordinator.should_stop()
    assert coordinator.joined
    assert not any(thread.is_alive() for thread in threads)


def test_join_waits_for_the_threads_that_are_left():
    coordinator = Coordinator()
    may_end = threading.Event()
    thread = threading.Thread(target=may_end.wait)
    thread.start()
    threading.Timer(0.1, may_end.set).start()
    before = time.process_time()
    coordinator.join([thread])
    assert may_end.is_set()
    assert time.process_time() - before < 0.1
    assert not coordinator.should_stop()


def test_threads_that_never_began_are_not_waited_for():
    Coordinator().join([threading.Thread(target=print)])


def test_an_error_comes_before_the_complaint_about_stragglers():
    coordinator = Coordinator()
    may_end = threading.Event()
    thread = threading.Thread(target=may_end.wait, name="slow")
    thread.start()
    coordinator.request_stop(KeyError("a"))
    with pytest.raises(KeyError):
        coordinator.join([thread], stop_grace_period_secs=0.01)
    coordinator.clear_stop()
    coordinator.request_stop()
    with pytest.raises(RuntimeError, match=r"within 0\.01 seconds .* found alive: slow"):
        coordinator.join([thread], stop_grace_period_secs=0.01)
    may_end.set()
    thread.join()


def test_an_error_after_a_plain_stop_is_kept():
    coordinator = Coordinator()
    coordinator.request_stop()
    coordinator.request_stop(OutOfRangeError("clean"))
    coordinator.raise_requested_exception()
    coordinator.request_stop(KeyError("first"))
    coordinator.request_stop(KeyError("second"))
    with pytest.raises(KeyError, match="first"):
        coordinator.raise_requested_exception()


def test_own_clean_types():
    coordinator = Coordinator((KeyError,))
    coordinator.request_stop(KeyError("clean"))
    coordinator.join()
    coordinator.clear_stop()
    assert not coordinator.should_stop()
    assert not coordinator.joined
    coordinator.request_stop(OutOfRangeError("the end"))
    with pytest.raises(OutOfRangeError):
        coordinator.join()


def test_ctrl_c_is_not_held_back():
    coordinator = Coordinator()
    with pytest.raises(KeyboardInterrupt), coordinator.stop_on_exception():
        raise KeyboardInterrupt
    assert coordinator.should_stop()


def test_a_looper_calls_until_the_stop():
    coordinator = Coordinator()
    calls = []

    def work(a, b=0):
        calls.append((a, b))
        if len(calls) == 3:
            coordinator.request_stop()

    LooperThread(coordinator, 0.001, work, args=(1,), kwargs={"b": 2}).start()
    coordinator.join(stop_grace_period_secs=10.0)
    assert calls == [(1, 2)] * 3


def test_a_looper_reports_its_error():
    coordinator = Coordinator()
    LooperThread(coordinator, None, lambda: 1 // 0).start()
    assert coordinator.wait_for_stop(10.0)
    with pytest.raises(ZeroDivisionError):
        coordinator.join()


@pytest.mark.wrong_types
def test_errors():
    with pytest.raises(TypeError, match="expected a tuple of exception types, found \\[\\]"):
        Coordinator([])
    with pytest.raises(TypeError, match="coord: expected a Coordinator, found 3"):
        LooperThread(3, 1.0, print)
