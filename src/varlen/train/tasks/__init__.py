"""What can be learned: a file for each task, and their names."""

from varlen.errors import ConfigError, did_you_mean
from varlen.train.tasks._classify import Classify
from varlen.train.tasks._forecast import Forecast
from varlen.train.tasks._language import Language
from varlen.train.tasks._music import Music
from varlen.train.tasks._regress import Regress
from varlen.train.tasks._sampling import SamplingSettings, draw_samples
from varlen.train.tasks._tag import Tag
from varlen.train.tasks._task import Examined, Learnable, Task, TaskKind

_KINDS: tuple[TaskKind, ...] = (Tag, Classify, Language, Music, Forecast, Regress)

TASKS = {kind.name: kind for kind in _KINDS}
"""The class of each task, by its name."""


def task_named(name: str) -> TaskKind:
    """The class of a task.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in TASKS:
        raise ConfigError(f"no task {name!r}", hint=did_you_mean(name, TASKS))
    return TASKS[name]


__all__ = [
    "TASKS",
    "Classify",
    "Examined",
    "Forecast",
    "Language",
    "Learnable",
    "Music",
    "Regress",
    "SamplingSettings",
    "Tag",
    "Task",
    "TaskKind",
    "draw_samples",
    "task_named",
]
