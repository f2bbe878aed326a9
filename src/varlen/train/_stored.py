"""Files that appear whole or not at all: JSON, and tensors with a checksum."""

import errno
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from varlen.errors import CheckpointError

_PARTIAL = ".partial"


def write_whole(path: Path, contents: bytes) -> None:
    """Writes a file beside and renames it, when the bytes are on the disk.

    Raises:
        OSError: it cannot be written; what was there before still is, and nothing else.
    """
    with _beside(path) as beside:
        beside.write_bytes(contents)


def is_partial(path: Path) -> bool:
    """Whether something was on its way to be whole when its process was killed."""
    return path.name.startswith(".") and _PARTIAL in path.name


def remove_partial(folder: Path) -> None:
    """Removes such things from a folder in which nobody writes."""
    for path in filter(is_partial, list(folder.iterdir())):
        _remove(path)


def encoded(contents: Mapping[str, Any]) -> bytes:
    """JSON for people."""
    return json.dumps(contents, indent=1).encode() + b"\n"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    if not path.is_file():
        raise CheckpointError(f"the run has no {path.name}", at=str(path.parent))
    try:
        contents = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"the file is damaged: {error}", at=str(path)) from error
    if not isinstance(contents, dict):
        raise CheckpointError("the file is damaged: expected a JSON object", at=str(path))
    return contents


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Writes a safetensors file, without copies of the tensors. The same ones give the same bytes.

    Args:
        path: of the file.
        tensors: by name.
        about: JSON data that belongs to them.

    Raises:
        OSError: it cannot be written.
    """
    whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with _beside(path) as beside:
        # The package puts a new file in the place of this one, which is for its owner alone.
        beside.touch()
        mode = beside.stat().st_mode
        try:
            safetensors.torch.save_file(whole, beside, _metadata(whole, about))
        except safetensors.SafetensorError as error:
            raise _os_error(error) from error
        beside.chmod(mode)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file, and what belongs to them.

    Raises:
        CheckpointError: the file is missing or damaged, or `write_tensors` did not write it.
    """
    if not path.is_file():
        raise CheckpointError(
            f"the run has no {path.name}", at=str(path.parent), hint="its training never got so far"
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = json.loads(metadata["varlen"])["about"]
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"the file of weights is damaged: {error}", at=str(path)) from error
    # The format itself has no checksum, and a flipped bit in a weight is as good as any number.
    expected = _metadata(tensors, about)
    if metadata != expected:
        raise CheckpointError(
            "the file of weights is damaged: it has another crc32 than it says", at=str(path)
        )
    return tensors, about


def crc32(contents: bytes) -> str:
    """A checksum of bytes, in eight hexadecimal digits."""
    return f"{zlib.crc32(contents):08x}"


def _metadata(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> dict[str, str]:
    crc = zlib.crc32(json.dumps(about).encode())
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, crc)
    # One entry only: safetensors writes several in an order that changes from file to file.
    return {"varlen": json.dumps({"crc32": f"{crc:08x}", "about": about})}


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Where to write what is then to be at `path`, in a folder of its own for whatever is made.

    Raises:
        OSError: it cannot be written; what was there before still is, and nothing else.
    """
    folder = path.with_name(f".{path.name}{_PARTIAL}")
    beside = folder / path.name
    try:
        _remove(folder)
        folder.mkdir()
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _sync_folder(path.parent)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _os_error(error: safetensors.SafetensorError) -> OSError:
    """The package has the number of an error of the system within its words alone."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    number = int(found[1]) if found else errno.EIO
    return OSError(number, os.strerror(number) if found else str(error))


def _sync_folder(folder: Path) -> None:
    """Without this, the new name may be lost with the power, though the bytes are not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
