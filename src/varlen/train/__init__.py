"""Training: tasks, the loop, and the run folder that it leaves.

A task states inputs, model head, loss and metrics; the loop knows no task. Progress is told to an
`Observer`, since only the command line prints.
"""

from varlen.train._calibration import Calibration
from varlen.train._cells import CELLS, make_cell
from varlen.train._confusion import Confusion
from varlen.train._dataset import Dataset
from varlen.train._estimate import Estimate, estimate
from varlen.train._evaluate_split import evaluate_split
from varlen.train._evaluation import (
    ClassResult,
    Difference,
    Evaluation,
    GroupResult,
    Interval,
    Judged,
    LengthResult,
)
from varlen.train._loop import evaluate, fit
from varlen.train._network import RecurrentNetwork
from varlen.train._observers import Observers
from varlen.train._progress import EpochResult, Metric, Observer, Score, Tally, aims_of
from varlen.train._ranks import ALONE, OtherRankError, Ranks, is_first_process, joined_ranks
from varlen.train._run_folder import RunFolder
from varlen.train._settings import DataSettings, ModelSettings, Settings, TrainingSettings
from varlen.train._splits import split_files
from varlen.train._standing import Standing
from varlen.train._tensorboard import TensorBoard
from varlen.train._train import (
    build_task,
    check_device,
    data_of,
    data_summary,
    load_task,
    make_settings,
    open_data,
    resume,
    settings_of,
    train,
)
from varlen.train.inputs import Vocabulary, WordEncoder
from varlen.train.tasks import TASKS, Examined, Learnable, Task, TaskKind, task_named

__all__ = [
    "ALONE",
    "CELLS",
    "TASKS",
    "Calibration",
    "ClassResult",
    "Confusion",
    "DataSettings",
    "Dataset",
    "Difference",
    "EpochResult",
    "Estimate",
    "Evaluation",
    "Examined",
    "GroupResult",
    "Interval",
    "Judged",
    "Learnable",
    "LengthResult",
    "Metric",
    "ModelSettings",
    "Observer",
    "Observers",
    "OtherRankError",
    "Ranks",
    "RecurrentNetwork",
    "RunFolder",
    "Score",
    "Settings",
    "Standing",
    "Tally",
    "Task",
    "TaskKind",
    "TensorBoard",
    "TrainingSettings",
    "Vocabulary",
    "WordEncoder",
    "aims_of",
    "build_task",
    "check_device",
    "data_of",
    "data_summary",
    "estimate",
    "evaluate",
    "evaluate_split",
    "fit",
    "is_first_process",
    "joined_ranks",
    "load_task",
    "make_cell",
    "make_settings",
    "open_data",
    "resume",
    "settings_of",
    "split_files",
    "task_named",
    "train",
]
