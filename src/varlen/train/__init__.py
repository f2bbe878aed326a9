"""Training: tasks, the loop, and the run folder that it leaves.

A task states inputs, model head, loss and metric; the loop knows no task. Progress is told to an
`Observer`, since only the command line prints.
"""

from varlen.train._loop import Task, evaluate, fit
from varlen.train._progress import EpochResult, Observer, Score, Tally
from varlen.train._run_folder import RunFolder
from varlen.train._splits import split_files
from varlen.train._tagger import Tagger
from varlen.train._tagging import Tagging, train_tagger
from varlen.train._tagging_report import TaggingReport, TagResult, evaluate_tagger
from varlen.train._tagging_settings import TaggingSettings
from varlen.train._vocabulary import Vocabulary
from varlen.train._words import WordEncoder

__all__ = [
    "EpochResult",
    "Observer",
    "RunFolder",
    "Score",
    "TagResult",
    "Tagger",
    "Tagging",
    "TaggingReport",
    "TaggingSettings",
    "Tally",
    "Task",
    "Vocabulary",
    "WordEncoder",
    "evaluate",
    "evaluate_tagger",
    "fit",
    "split_files",
    "train_tagger",
]
