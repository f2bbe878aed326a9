"""NumPy's .npz: arrays with a row for each record, or with the steps of all records."""

import math
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from varlen.errors import CorruptRecordError

from ._npz_arrays import StoredArray
from ._npz_layout import Part, layout_of
from ._row import Progress, Row


def read_npz(paths: Sequence[str], progress: Progress) -> Iterator[Row]:
    """A row for each record of .npz files, whose arrays are told apart by their shapes.

    With an array `lengths` (or `length`) of N integers, one for each record:

    - an array with as many rows as the lengths sum to holds the steps of all records, one record
      after the other: a sequence;
    - one of `[N, time, ...]`, with time at least the longest length, is padded: a sequence, too;
    - any other with N rows is context.

    Without it, all arrays have N rows: those of one dimension are context, those of more are
    sequences of the same length.

    Two or more names with `train_`, `valid_`, `val_`, `dev_` or `test_` in front, or with these at
    their ends as in `x_train`, are a split with arrays, and lengths, of its own. An array that is
    neither a sequence nor context, such as the names of classes, is left out with a warning.

    Args:
        paths: the files.
        progress: told of the bytes that are read.

    Raises:
        OSError: a file is missing or cannot be read.
        CorruptRecordError: a file is no .npz file, or damaged.
        FeatureError: an array holds Python objects, which only pickle could read, or other values
            that are no features; or the arrays do not fit together.
    """
    for path in paths:
        try:
            with ExitStack() as stack:
                yield from _rows(path, stack, progress)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise CorruptRecordError(f"the .npz file is damaged: {error}", at=path) from error


def _rows(path: str, stack: ExitStack, progress: Progress) -> Iterator[Row]:
    archive = stack.enter_context(zipfile.ZipFile(path))
    arrays = [stack.enter_context(StoredArray(archive, name, path)) for name in archive.namelist()]
    parts, left_out = layout_of(arrays, path)
    for array in left_out:
        warnings.warn(
            f"{path}: {array.name!r} with shape {array.shape} is left out, since it has no row "
            "for each record or step",
            stacklevel=2,
        )
    total = sum(part.num_records for part in parts)
    num_done = num_told = 0
    for part in parts:
        for number in range(part.num_records):
            yield _row(part, number, path)
            num_done += 1
            now = os.path.getsize(path) * num_done // total if num_done % 64 == 0 else num_told
            progress(now - num_told)
            num_told = now
    progress(os.path.getsize(path) - num_told)


def _row(part: Part, number: int, path: str) -> Row:
    of_split = f"{part.split} " if part.split else ""
    place = f"{path}, {of_split}record {number}"
    context: dict[str, Any] = {}
    for name, array in part.context.items():
        value = array.read(1)[0]
        context[name] = value.ravel() if array.ndim > 1 else value
    sequences = {name: array.read(1)[0] for name, array in part.padded.items()}
    if part.lengths is not None:
        length = part.lengths[number]
        sequences = {name: steps[:length] for name, steps in sequences.items()}
        sequences |= {name: array.read(length) for name, array in part.jagged.items()}
    # Steps of several dimensions are stored flat.
    flat = {
        name: steps.reshape(len(steps), math.prod(steps.shape[1:])) if steps.ndim > 2 else steps
        for name, steps in sequences.items()
    }
    return Row(context, flat, place, part.split)
