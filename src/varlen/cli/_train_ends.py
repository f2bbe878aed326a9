"""How a training ends before its time: with what is left of it, and how to go on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from varlen.cli._shared import Interrupted
from varlen.cli._train_progress import TrainProgress
from varlen.errors import CheckpointError, ConfigError, CorruptRecordError, FeatureError
from varlen.train import Observers, Ranks, TensorBoard, is_first_process, joined_ranks


@contextmanager
def told(run: Path) -> Iterator[tuple[Ranks, Observers]]:
    """Who learns together, and an observer that shows it; says what is left when it ends early.

    Raises:
        Interrupted: it was.
        VarlenError: with how to go on, if there is something to go on with.
    """
    progress = TrainProgress()
    observer = Observers(progress, TensorBoard(run / "tensorboard"))
    try:
        with joined_ranks() as ranks:
            yield ranks, observer
    except KeyboardInterrupt:
        if not is_first_process():
            sys.exit(130)  # the first rank says what is left
        raise Interrupted(progress.what_is_left(run)) from None
    except (CorruptRecordError, FeatureError) as error:
        if not progress.epoch:
            raise
        hint = "  ".join(filter(None, [error.hint, _going_on(run)]))
        raise type(error)(error.problem, at=error.at, hint=hint) from error
    except OSError as error:
        if not progress.epoch:
            raise
        problem, at = error.strerror or str(error), error.filename and str(error.filename)
        raise CheckpointError(problem, at=at, hint=_going_on(run)) from error
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise ConfigError(
            "out of memory",
            at=f"epoch {progress.epoch}" if progress.epoch else "making the model",
            hint="smaller batches (--batch-size, --max-steps), which --accumulate puts together "
            "again, or fewer --units need less",
        ) from error
    finally:
        progress.close()


def _going_on(run: Path) -> str | None:
    """How to go on, unless all was taken back."""
    if not (run / "config.json").exists():
        return None
    return f"when that is mended, `varlen train --resume {run}` goes on where it was saved"


def _is_out_of_memory(error: BaseException) -> bool:
    """Torch says it in words, of its own and of CUDA."""
    text = str(error)
    return isinstance(error, MemoryError) or "allocate memory" in text or "out of memory" in text
