"""Several processes that learn together, for tests. Torch is loaded for all of them once."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["varlen.cli._train"])


class Work:
    """Processes, each of them a rank.

    Args:
        num_ranks: how many.
        folder: where their output goes.
        function: what each of them runs; importable.
        *arguments: of the function.
    """

    def __init__(
        self, num_ranks: int, folder: Path, function: Callable[..., None], *arguments: Any
    ) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.processes = [
            _CONTEXT.Process(
                target=_work, args=(rank, num_ranks, port, self._output(rank), function, arguments)
            )
            for rank in range(num_ranks)
        ]
        for rank, process in enumerate(self.processes):
            self._output(rank).write_text("")
            process.start()

    def statuses(self, seconds: float = 60) -> list[int | None]:
        """How they ended; None for one that is still at it, which is then killed."""
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0, end - time.monotonic()))
        found = [process.exitcode for process in self.processes]
        for process in self.processes:
            process.kill()
            process.join()
        return found

    def output(self, rank: int) -> str:
        """What a rank has printed so far."""
        return self._output(rank).read_text()

    def interrupt_at(
        self, text: str, rank: int, signal_number: signal.Signals = signal.SIGINT
    ) -> None:
        """Ctrl-C, or another signal, for one rank, when the first one has printed this."""
        while text not in self.output(0):
            assert self.processes[0].is_alive(), self.output(0)
            time.sleep(0.01)
        os.kill(self.processes[rank].pid, signal_number)

    def _output(self, rank: int) -> Path:
        return self._folder / f"rank-{rank}.txt"


def varlen(*arguments: object) -> None:
    """The command line."""
    from varlen.cli import main

    main([str(argument) for argument in arguments])


def _work(rank, num_ranks, port, output, function, arguments):
    # As `torchrun` does.
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(num_ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    descriptor = os.open(output, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    function(*arguments)
