"""A run folder: what training leaves behind, and what evaluation and prediction begin with.

    config.json        the format's number, the task, its settings, where the data was
    vocabulary.json    what the numbers of the model mean
    model.safetensors  the weights of the best epoch
    metrics.jsonl      one line per epoch
    checkpoints/       all that is needed to go on
    tensorboard/       the same figures, for TensorBoard
    nonfinite-step-*   records of a batch whose loss or gradient was not finite
    data/              records that were made of files in other formats, if there were any
    report.html        what `varlen report` said of it

Every file is written beside and renamed, so that a file that is there is whole.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

import varlen
from varlen.errors import CheckpointError, ConfigError, did_you_mean
from varlen.train._stored import (
    crc32,
    encoded,
    is_partial,
    read_json,
    read_tensors,
    remove_partial,
    write_tensors,
    write_whole,
)

FORMAT = 2

_CONFIG = "config.json"
_VOCABULARY = "vocabulary.json"
_MODEL = "model.safetensors"
_METRICS = "metrics.jsonl"
_NONFINITE = "nonfinite-step-*.tfrecord"
_FOLDERS = ("checkpoints", "tensorboard")
DATA = "data"
REPORT = "report.html"


class RunFolder:
    """A folder that holds one trained model and how it came to be.

    Made by `create` and `open`.

    Attributes:
        path: where it is.
        config: the contents of `config.json`: "format", "varlen", "task", and the task's own.
    """

    def __init__(self, path: Path, config: Mapping[str, Any]) -> None:
        self.path = path
        self.config = config

    @staticmethod
    def check_free(path: Path, *, overwrite: bool = False) -> None:
        """Says whether `create` would take this path, before any work is done for it.

        Raises:
            ConfigError: there is something that is not to be lost.
        """
        if not path.exists() or (path.is_dir() and all(map(_is_before_training, path.iterdir()))):
            return
        if not path.is_dir():
            raise ConfigError("expected a path for a new run folder, found a file", at=str(path))
        if not overwrite:
            raise ConfigError(
                "the run folder is there already, and is not empty",
                at=str(path),
                hint="give another one, or --overwrite to lose what is in this one",
            )
        # One of an earlier version is a run folder all the same.
        if (
            not (path / _CONFIG).is_file()
            or not {"format", "task"} <= read_json(path / _CONFIG).keys()
        ):
            raise ConfigError(
                "only a run folder can be overwritten, and this is something else", at=str(path)
            )

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        task: str,
        config: Mapping[str, Any],
        vocabulary: Mapping[str, Any],
        overwrite: bool = False,
    ) -> "RunFolder":
        """Makes the folder with its configuration and vocabulary; no model yet.

        Args:
            path: of the folder, which must not exist or be empty.
            task: the name of what is learned.
            config: what else goes into `config.json`; JSON data.
            vocabulary: what goes into `vocabulary.json`; JSON data.
            overwrite: whether a run folder at this path is replaced.

        Raises:
            ConfigError: there is something that is not to be lost.
        """
        cls.check_free(path, overwrite=overwrite)
        path.mkdir(parents=True, exist_ok=True)
        # The configuration is replaced last, so that what is left of a run is one until then.
        for name in _FOLDERS:
            shutil.rmtree(path / name, ignore_errors=True)
        for pattern in (_NONFINITE, _MODEL, _METRICS, _VOCABULARY, REPORT):
            for file in path.glob(pattern):
                file.unlink()
        remove_partial(path)
        whole = {
            "format": FORMAT,
            "varlen": varlen.__version__,
            "task": task,
            "vocabulary_crc32": crc32(encoded(vocabulary)),
            **config,
        }
        run = cls(path, whole)
        try:
            write_whole(path / _CONFIG, encoded(whole))
            write_whole(path / _VOCABULARY, encoded(vocabulary))
        except OSError:
            run.take_back()
            raise
        return run

    def take_back(self) -> None:
        """Removes what `create` made, for a training that ends before its first step is done.

        With a batch that was not finite in it, the folder stays.
        """
        if any(self.path.glob(_NONFINITE)):
            return
        for name in _FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in (_VOCABULARY, _CONFIG):
            (self.path / name).unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    @classmethod
    def open(cls, path: Path, *, task: str | None = None) -> "RunFolder":
        """Opens a folder that `create` made.

        Args:
            path: of the folder.
            task: what it must have learned; None for anything.

        Raises:
            CheckpointError: there is no such folder, it is something else, it is damaged, it is of
                another version, or of another task.
        """
        if not path.is_dir():
            raise CheckpointError(
                "no such run folder", at=str(path), hint="`varlen train ... --run` makes one"
            )
        if not (path / _CONFIG).is_file():
            raise CheckpointError(f"not a run folder: it has no {_CONFIG}", at=str(path))
        config = read_json(path / _CONFIG)
        if config.get("format") != FORMAT:
            raise CheckpointError(
                f"expected a run folder of format {FORMAT}, found {config.get('format')!r}",
                at=str(path / _CONFIG),
                hint=f"it was written by varlen {config.get('varlen', '(unknown)')}",
            )
        if task is not None and config.get("task") != task:
            raise CheckpointError(
                f"expected a run of task {task!r}, found {config.get('task')!r}", at=str(path)
            )
        return cls(path, config)

    def vocabulary(self) -> dict[str, Any]:
        """The contents of `vocabulary.json`.

        Raises:
            CheckpointError: the file is missing or damaged.
        """
        path = self.path / _VOCABULARY
        if not path.exists():
            raise CheckpointError(
                f"the run has no {_VOCABULARY}",
                at=str(self.path),
                hint="its training never began; begin it anew, with --overwrite",
            )
        vocabulary = read_json(path)
        # A flipped bit in a word is as good as any word.
        expected, found = self.config.get("vocabulary_crc32"), crc32(path.read_bytes())
        if found != expected:
            raise CheckpointError(
                f"the file is damaged: expected the CRC-32 {expected}, found {found}", at=str(path)
            )
        return vocabulary

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Adds a line to `metrics.jsonl`."""
        path = self.path / _METRICS
        before = path.read_bytes() if path.exists() else b""
        write_whole(path, before + json.dumps(row).encode() + b"\n")

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`; none before the end of the first epoch.

        Raises:
            CheckpointError: the file is damaged.
        """
        path = self.path / _METRICS
        if not path.exists():
            return []
        try:
            rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        except ValueError as error:
            raise CheckpointError(f"the file is damaged: {error}", at=str(path)) from error
        if not all(isinstance(row, dict) for row in rows):
            raise CheckpointError("the file is damaged: expected JSON objects", at=str(path))
        return rows

    def keep_metrics(self, num_rows: int) -> int:
        """Leaves the first lines of `metrics.jsonl`, and takes away what came after them.

        Returns:
            How many there are: damaged lines are taken away, too.
        """
        path = self.path / _METRICS
        before = path.read_bytes() if path.exists() else b""
        lines = before.splitlines(keepends=True)[:num_rows]
        kept = b"".join(line for line in lines if _is_row(line))
        if kept != before:
            write_whole(path, kept)
        return kept.count(b"\n")

    def save_model(self, model: nn.Module) -> None:
        """Replaces the stored weights by those that `model` has now."""
        write_tensors(self.path / _MODEL, model.state_dict(), {"format": FORMAT})

    def load_model(self, model: nn.Module) -> None:
        """Puts the stored weights into `model`.

        Raises:
            CheckpointError: there are none, they are damaged, or they are those of another model.
        """
        path = self.path / _MODEL
        tensors, _ = read_tensors(path)
        expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        for name, shape in expected.items():
            if name not in tensors:
                raise CheckpointError(
                    f"no weights {name!r}", at=str(path), hint=did_you_mean(name, tensors)
                )
            found = tuple(tensors[name].shape)
            if found != shape:
                raise CheckpointError(
                    f"weights {name!r}: expected shape {shape}, found {found}",
                    at=str(path),
                    hint=f"{_CONFIG}, {_VOCABULARY} and {_MODEL} are not of the same run",
                )
        model.load_state_dict({name: tensors[name] for name in expected})


def _is_row(line: bytes) -> bool:
    """Whether this is a whole line of `metrics.jsonl`."""
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _is_before_training(path: Path) -> bool:
    """Whether something in a folder may be there before `create`."""
    return path.name == DATA or is_partial(path)
