"""What a worker process of `Map` does: answers one item after the other."""

import pickle
import signal
import traceback
from multiprocessing.connection import Connection
from typing import Any

import torch

from varlen.data._stage import call


def serve(connection: Connection, function: bytes) -> None:
    """Answers items with (is_result, result or error, traceback) until nobody asks any more."""
    # Ctrl-C comes to the parent too, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)  # there are other workers
    loaded: Any = None
    while True:
        try:
            item = connection.recv_bytes()
        except EOFError:
            return
        try:
            loaded = loaded or pickle.loads(function)
            answer = _answer(call(loaded, pickle.loads(item)))
        except BaseException as error:  # the consumer raises it
            answer = _failure(error)
        try:
            connection.send_bytes(answer)
        except OSError:  # nobody waits for it
            return


def _answer(result: Any) -> bytes:
    try:
        return pickle.dumps((True, result, ""), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise TypeError(
            "Map: expected a result that can be pickled, to send it back from another process, "
            f"found {type(result).__name__}: {error}\n"
            "  use threads: Map(..., processes=False)"
        ) from error


def _failure(error: BaseException) -> bytes:
    text = "".join(traceback.format_exception(error))
    try:
        answer = pickle.dumps((False, error, text))
        pickle.loads(answer)  # there are exceptions that can be pickled and never unpickled
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
        answer = pickle.dumps((False, error, text))
    return answer
