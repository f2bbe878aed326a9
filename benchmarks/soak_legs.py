"""Ways in which a pass of a pipeline is interrupted. What each gets is written down."""

import json
import multiprocessing
import os
import random
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak_pipelines import FAULT, PIPELINES, FaultError, digest, some
from torchdata.stateful_dataloader import StatefulDataLoader

from varlen.data import Pipeline

MEAN_BATCHES = 15
SECONDS_UNTIL_KILLED = 0.4
SECONDS_UNTIL_HANGING = 300  # of a machine that does other things, too


class Journal:
    """Lines at the end of a file, which are there whatever becomes of who wrote them."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, what: str, value: Any) -> None:
        os.write(self._file, (json.dumps([what, value]) + "\n").encode())

    def close(self) -> None:
        os.close(self._file)


@dataclass(frozen=True)
class Leg:
    """What one part of the way needs to know."""

    pipeline: str
    folder: Path
    epoch: int
    state: dict[str, Any] | None
    seed: int
    path: Path

    def begin(self) -> Pipeline:
        pipeline = PIPELINES[self.pipeline](self.folder).for_epoch(self.epoch)
        return pipeline if self.state is None else pipeline.starting_at(self.state)


def write_down(
    journal: Journal, batches: Iterator[Any], state_of: Callable[[], Any], chance: random.Random
) -> Iterator[None]:
    """Goes on batch by batch: its digest, and now and then the state."""
    for batch in batches:
        journal.write("batch", digest(batch))
        if chance.random() < 0.3:
            journal.write("state", state_of())
        yield
    journal.write("end", None)


def forgotten(leg: Leg) -> None:
    """The iterator is let go of."""
    chance, journal = random.Random(leg.seed), Journal(leg.path)
    batches = iter(leg.begin())
    for _ in zip(
        range(some(chance, MEAN_BATCHES)),
        write_down(journal, batches, batches.state_dict, chance),
        strict=False,
    ):
        pass
    journal.close()


def failed(leg: Leg) -> None:
    """A function within fails, and the same pass goes on, until another one fails."""
    chance, journal = random.Random(leg.seed), Journal(leg.path)
    batches = iter(leg.begin())
    for _ in range(2):
        FAULT.calls_left = some(chance, MEAN_BATCHES)
        with suppress(FaultError):
            for _ in write_down(journal, batches, batches.state_dict, chance):
                pass
            break  # it came to the end before the fault did
    FAULT.calls_left = -1
    journal.close()


class InterruptError(BaseException):
    """As Ctrl-C, but nobody else's."""


def interrupted(leg: Leg) -> None:
    """A signal comes at any instruction, as Ctrl-C does, and the same pass goes back and on."""
    chance, journal = random.Random(leg.seed), Journal(leg.path)
    batches = iter(leg.begin())
    for _ in range(3):
        state = batches.state_dict()
        before = signal.signal(signal.SIGALRM, _interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0002, 0.05))
            taken = [digest(batch) for _, batch in zip(range(10_000), batches, strict=False)]
            signal.setitimer(signal.ITIMER_REAL, 0)
        except InterruptError:
            taken = []
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        # Nobody knows whether the batch was on its way out when the signal came.
        batches.load_state_dict(state)
        for value in taken:
            journal.write("batch", value)
        if taken:
            journal.write("end", None)
            break
        steps = write_down(journal, batches, batches.state_dict, chance)
        for _ in zip(range(some(chance, 5)), steps, strict=False):
            pass
        journal.write("state", batches.state_dict())
    journal.close()


def _interrupt(number: int, frame: Any) -> None:
    raise InterruptError


def loader_forgotten(leg: Leg) -> None:
    """A StatefulDataLoader with some number of workers, or none, is let go of."""
    chance, journal = random.Random(leg.seed), Journal(leg.path)
    loader = _loader(leg, num_workers=chance.randrange(3))
    steps = write_down(journal, iter(loader), loader.state_dict, chance)
    for _ in zip(range(some(chance, MEAN_BATCHES)), steps, strict=False):
        pass
    journal.close()


def worker_killed(leg: Leg) -> None:
    """A worker of a StatefulDataLoader is killed: the loader raises, and does not hang."""
    # In a process of its own, since torch raises wherever it is when it hears of the worker.
    child = _context().Process(target=_kill_worker, args=(leg,))
    child.start()
    child.join(SECONDS_UNTIL_HANGING)
    assert child.exitcode == 0, f"the child ended with {child.exitcode}; None: it hangs"
    child.close()


def killed(leg: Leg) -> None:
    """A process is killed in the middle of a pass."""
    _run_and_kill(leg, num_workers=None)


def loader_killed(leg: Leg) -> None:
    """A process with a loader is killed, with its workers or without."""
    _run_and_kill(leg, num_workers=2)


def _loader(leg: Leg, *, num_workers: int) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'set_vital' is deprecated")
        # Forked, since the workers of a killed process end only if it was their parent.
        context = "fork" if num_workers else None
        return StatefulDataLoader(
            leg.begin(),
            batch_size=None,
            num_workers=num_workers,
            multiprocessing_context=context,
        )


def _run_and_kill(leg: Leg, *, num_workers: int | None) -> None:
    chance = random.Random(leg.seed)
    child = _context().Process(target=_in_child, args=(leg, num_workers))
    child.start()
    while not leg.path.exists() and child.is_alive():
        time.sleep(0.002)
    child.join(chance.expovariate(1 / SECONDS_UNTIL_KILLED))
    if child.is_alive() and chance.random() < 0.5:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL), f"the child ended with {child.exitcode}"
    child.close()


def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["soak_legs"])
    return context


def _kill_worker(leg: Leg) -> None:
    chance, journal = random.Random(leg.seed), Journal(leg.path)
    with suppress(RuntimeError, OSError, EOFError):  # whichever torch meets first
        loader = _loader(leg, num_workers=2)
        batches = iter(loader)
        steps = write_down(journal, batches, loader.state_dict, chance)
        for _ in zip(range(some(chance, MEAN_BATCHES)), steps, strict=False):
            pass
        os.kill(chance.choice(batches._workers).pid, signal.SIGKILL)
        for _ in steps:
            pass
    os._exit(0)


def _in_child(leg: Leg, num_workers: int | None) -> None:
    os.setsid()
    chance, journal = random.Random(leg.seed), Journal(leg.path)
    if num_workers is None:
        batches = iter(leg.begin())
        state_of: Callable[[], Any] = batches.state_dict
    else:
        loader = _loader(leg, num_workers=num_workers)
        batches, state_of = iter(loader), loader.state_dict
    for _ in write_down(journal, batches, state_of, chance):
        time.sleep(0.002)


LEGS: dict[str, Callable[[Leg], None]] = {
    "forgotten": forgotten,
    "failed": failed,
    "interrupted": interrupted,
    "killed": killed,
    "loader forgotten": loader_forgotten,
    "loader killed": loader_killed,
    "worker killed": worker_killed,
}
