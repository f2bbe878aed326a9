"""The figures of a training as event files, for TensorBoard and whoever else reads them.

An event file is a TFRecord file of messages:

    Event         wall_time = 1: double, step = 2: int64, and one of
                  file_version = 3: string, summary = 5: Summary, session_log = 7: SessionLog
    Summary       value = 1: repeated Value
    Value         tag = 1: string, simple_value = 2: float
    SessionLog    status = 1: 1 for a start

It grows record by record, since it is read while training runs; so it is no `RecordWriter`'s, whose
files appear whole. Nothing stays in memory: what was told before a checkpoint is there after it.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from varlen._native import frame_records
from varlen.train._progress import EpochResult, Metric, Tally

_STEPS_BETWEEN = 10
_VERSION = "brain.Event:2"  # by which readers know that a start takes back what came later
_START = 1
_PACKAGE = "tensorflow"
_Field = descriptor_pb2.FieldDescriptorProto


class TensorBoard:
    """An observer that writes event files: a new one whenever a training begins or goes on.

    Of every tenth step, `train/loss`, the mean since the one before, and `train/learning_rate`; of
    every epoch, the figures of `EpochResult.to_json` as `epoch/...`.

    Args:
        folder: where; it is made with the first epoch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._first_step: int | None = None
        self._before = Tally()

    def training_begins(self, summary: str, metrics: tuple[Metric, ...]) -> None:
        pass

    def training_resumes(self, *, epoch: int, step: int) -> None:
        self._first_step = step + 1

    def epoch_begins(self, epoch: int, *, num_epochs: int | None, num_steps: int) -> None:
        self._before = Tally()
        if self._path is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Readers take the files in the order of their names.
            self._path = self._folder / f"events.out.tfevents.{time.time():.6f}"
            self._append(file_version=_VERSION)
            if self._first_step is not None:
                # What was written after the checkpoint is written again.
                self._append(self._first_step, session_log={"status": _START})

    def batch_done(self, tally: Tally, *, step: int, learning_rate: float, waiting: float) -> None:
        if step % _STEPS_BETWEEN:
            return
        total = tally.total - self._before.total
        loss = (tally.loss_sum - self._before.loss_sum) / max(total, 1)
        self._before = Tally(tally.loss_sum, tally.total)
        self._add_scalars({"train/loss": loss, "train/learning_rate": learning_rate}, step)

    def validation_advances(self, tally: Tally, *, num_steps: int) -> None:
        pass

    def epoch_ends(self, result: EpochResult) -> None:
        figures = result.to_json().items()
        self._add_scalars(
            {f"epoch/{name}": value for name, value in figures if isinstance(value, float)},
            result.step,
        )

    def says(self, line: str) -> None:
        pass

    def _add_scalars(self, scalars: Mapping[str, float], step: int) -> None:
        values = [{"tag": name, "simple_value": value} for name, value in scalars.items()]
        self._append(step, summary={"value": values})

    def _append(self, step: int = 0, **what: Any) -> None:
        assert self._path is not None
        event = _Event(wall_time=time.time(), step=step, **what)
        try:
            with self._path.open("ab") as file:
                file.write(frame_records([event.SerializeToString()]))
        except OSError as error:  # which knows its file when it is opened alone
            raise OSError(error.errno, error.strerror, str(self._path)) from error


def _event_class() -> Any:
    """The message `Event`, in a pool of its own, as those of `varlen.features` are."""
    file = descriptor_pb2.FileDescriptorProto(
        name="varlen/event.proto", package=_PACKAGE, syntax="proto3"
    )
    _add_message(
        file,
        "Value",
        _Field(name="tag", number=1, type=_Field.TYPE_STRING),
        _Field(name="simple_value", number=2, type=_Field.TYPE_FLOAT),
    )
    values = _of("Value", name="value", number=1)
    values.label = _Field.LABEL_REPEATED
    _add_message(file, "Summary", values)
    _add_message(file, "SessionLog", _Field(name="status", number=1, type=_Field.TYPE_INT32))
    _add_message(
        file,
        "Event",
        _Field(name="wall_time", number=1, type=_Field.TYPE_DOUBLE),
        _Field(name="step", number=2, type=_Field.TYPE_INT64),
        _Field(name="file_version", number=3, type=_Field.TYPE_STRING),
        _of("Summary", name="summary", number=5),
        _of("SessionLog", name="session_log", number=7),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Event"))


def _add_message(file: descriptor_pb2.FileDescriptorProto, name: str, *fields: _Field) -> None:
    file.message_type.add(name=name).field.extend(fields)


def _of(message: str, *, name: str, number: int) -> _Field:
    type_name = f".{_PACKAGE}.{message}"
    return _Field(name=name, number=number, type=_Field.TYPE_MESSAGE, type_name=type_name)


_Event = _event_class()
