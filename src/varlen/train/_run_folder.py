"""A run folder: what training leaves behind, and what evaluation and prediction begin with.

    config.json        the format's number, the task, its settings, where the data was
    vocabulary.json    what the numbers of the model mean
    model.safetensors  the weights of the best epoch
    metrics.jsonl      one line per epoch

Every file is written beside and renamed, so that a file that is there is whole.
"""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

import varlen
from varlen.errors import CheckpointError, ConfigError, did_you_mean

FORMAT = 1

_CONFIG = "config.json"
_VOCABULARY = "vocabulary.json"
_MODEL = "model.safetensors"
_METRICS = "metrics.jsonl"


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
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return
        if not path.is_dir():
            raise ConfigError("expected a path for a new run folder, found a file", at=str(path))
        if not overwrite:
            raise ConfigError(
                "the run folder is there already, and is not empty",
                at=str(path),
                hint="give another one, or --overwrite to lose what is in this one",
            )
        try:
            RunFolder.open(path)
        except CheckpointError as error:
            raise ConfigError(
                "only a run folder can be overwritten, and this is something else",
                at=str(path),
                hint=f"({error.problem})",
            ) from error

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
        for name in (_MODEL, _METRICS, _VOCABULARY, _CONFIG):
            (path / name).unlink(missing_ok=True)
        whole = {
            "format": FORMAT,
            "varlen": varlen.__version__,
            "task": task,
            "vocabulary_crc32": _crc32(_encoded(vocabulary)),
            **config,
        }
        _write_json(path / _CONFIG, whole)
        _write_json(path / _VOCABULARY, vocabulary)
        return cls(path, whole)

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
        config = _read_json(path / _CONFIG)
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
        vocabulary = _read_json(path)
        # A flipped bit in a word is as good as any word.
        expected, found = self.config.get("vocabulary_crc32"), _crc32(path.read_bytes())
        if found != expected:
            raise CheckpointError(
                f"the file is damaged: expected the CRC-32 {expected}, found {found}", at=str(path)
            )
        return vocabulary

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Adds a line to `metrics.jsonl`."""
        path = self.path / _METRICS
        before = path.read_bytes() if path.exists() else b""
        _write_whole(path, before + json.dumps(row).encode() + b"\n")

    def save_model(self, model: nn.Module) -> None:
        """Replaces the stored weights by those that `model` has now."""
        tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
        _write_whole(self.path / _MODEL, safetensors.torch.save(tensors, _metadata(tensors)))

    def load_model(self, model: nn.Module) -> None:
        """Puts the stored weights into `model`.

        Raises:
            CheckpointError: there are none, they are damaged, or they are those of another model.
        """
        path = self.path / _MODEL
        tensors = _read_tensors(path)
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


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(
            f"the run has no {path.name}", at=str(path.parent), hint="its training never got so far"
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"the file of weights is damaged: {error}", at=str(path)) from error
    # The format itself has no checksum, and a flipped bit in a weight is as good as any number.
    if metadata != _metadata(tensors):
        raise CheckpointError(
            f"the file of weights is damaged: expected {metadata}, found {_metadata(tensors)}",
            at=str(path),
        )
    return tensors


def _metadata(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].flatten().view(torch.uint8).cpu().numpy().data, crc)
    # One entry only: safetensors writes several in an order that changes from file to file.
    return {"varlen": f"format {FORMAT}, crc32 {crc:08x}"}


def _encoded(contents: Mapping[str, Any]) -> bytes:
    return json.dumps(contents, indent=1).encode() + b"\n"


def _crc32(contents: bytes) -> str:
    return f"{zlib.crc32(contents):08x}"


def _write_json(path: Path, contents: Mapping[str, Any]) -> None:
    _write_whole(path, _encoded(contents))


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"the run has no {path.name}", at=str(path.parent))
    try:
        contents = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"the file is damaged: {error}", at=str(path)) from error
    if not isinstance(contents, dict):
        raise CheckpointError("the file is damaged: expected a JSON object", at=str(path))
    return contents


def _write_whole(path: Path, contents: bytes) -> None:
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
