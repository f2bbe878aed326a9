"""What a task is: inputs, model, loss and metrics. The loop, the checkpoints and the command line
know no more of it than this.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from varlen.train._batches import Batches
from varlen.train._dataset import Dataset
from varlen.train._progress import Metric, Score
from varlen.train._settings import Settings


class Examined(NamedTuple):
    """How a model did on each sequence of a batch. The sums over rows are those of its `Score`.

    Attributes:
        loss: `[batch]`, the sum of the losses of each row.
        total: `[batch]`, how many losses are in it.
        metrics: by name, parts and wholes, each `[batch]`. What is no metric of the task is shown
            after these, as something that is better lower.
        lengths: `[batch]`, the steps of each row.
        true: `[decisions]`, the classes that are right, as numbers; None if there are no classes.
        given: `[decisions]`, the classes that the model chose.
        confidence: `[decisions]`, the probability that it gave to these.
        rows: `[decisions]`, the row of the batch of each.
        groups: by name, decisions that are looked at apart, such as those about unknown words;
            `[decisions]`, bool.
        numbers: `[batch, numbers, 3]`, where numbers are predicted for each row: the lowest
            quantile, the median and the highest one, in the units of the data.
    """

    loss: Tensor
    total: Tensor
    metrics: Mapping[str, tuple[Tensor, Tensor]]
    lengths: Tensor
    true: Tensor | None = None
    given: Tensor | None = None
    confidence: Tensor | None = None
    rows: Tensor | None = None
    groups: Mapping[str, Tensor] = MappingProxyType({})
    numbers: Tensor | None = None


@runtime_checkable
class Learnable(Protocol):
    """What the loop knows of a task.

    Attributes:
        metrics: the figures that are shown; the first chooses the best epoch.
        settings: all settings.
    """

    metrics: ClassVar[tuple[Metric, ...]]
    settings: Settings

    @property
    def model(self) -> nn.Module:
        """What learns. It is made with torch's global generator, which the caller seeds."""

    def num_steps(self, data: Dataset, split: str) -> int:
        """How many live steps a pass over the split has."""

    def batches(self, data: Dataset, split: str, *, epoch: int) -> Batches:
        """A pass over the split; that of the training split has an order for each epoch.

        The ranks of a group share it, so that a batch may come without a single row.
        """

    def score(self, batch: Any, carried: Mapping[str, Tensor] | None = None) -> Score:
        """Runs the model on a batch that came from `batches`.

        Args:
            batch: the batch, on the device of the model.
            carried: `Score.carried` of the batch before; None for the first of a pass.
        """


@runtime_checkable
class TaskKind(Protocol):
    """What there is of a task before there is data; the class of a `Task` is one.

    Attributes:
        name: of the task, as in `varlen train NAME`.
        summary: what the command line says of it, in a sentence.
        Options: the dataclass of the settings that this task alone has.
        defaults: tables of settings in which the task differs from the general defaults.
        without: tables of settings that the task has no use for, with the reasons.
        metrics: the figures that are shown; the first chooses the best epoch.
        holds_out: what of the training split is for validation where there is no split for it:
            "sequences", or the "ends" of all sequences, which is then the business of the task.
    """

    name: str
    summary: str
    Options: type
    defaults: Mapping[str, Mapping[str, Any]]
    without: Mapping[str, Mapping[str, str]]
    metrics: tuple[Metric, ...]
    holds_out: str

    def build(self, data: Dataset, settings: Settings) -> "Task":
        """Learns encoders from the training split, and makes a model for them.

        Raises:
            ConfigError: the data has no such features, or it is not clear which are meant.
            FeatureError: a record that does not hold what is needed.
            CorruptRecordError: a file is damaged.
        """

    def from_json(self, stored: Mapping[str, Any], settings: Settings) -> "Task":
        """A task with the encoders that `Task.to_json` gave, and a new model for them."""


@runtime_checkable
class Task(Learnable, Protocol):
    """Something to learn, with what is known of the training split, and a model.

    Attributes:
        class_kind: what a class is called in tables.
        counted: what metrics count: "steps" or "sequences".
        holds_out: as in `TaskKind`.
    """

    class_kind: ClassVar[str]
    counted: ClassVar[str]
    holds_out: ClassVar[str]

    def text_example(self, line: str) -> dict[str, Any] | None:
        """The example that a line of text stands for; None if text is not enough.

        Raises:
            FeatureError: this line cannot be one.
        """

    @property
    def example_hint(self) -> str:
        """What an example looks like in JSON, for error messages."""

    def to_json(self) -> dict[str, Any]:
        """The encoders, as JSON data."""

    def describe(self) -> str:
        """What the encoders know: "words: 19,672 words; upos: 17 labels"."""

    def check(self, data: Dataset, split: str) -> None:
        """Looks at every example of a split before work is done with it.

        Raises:
            ConfigError: the split is missing or empty.
            FeatureError: a record that cannot be learned or scored; `at` names it.
            CorruptRecordError: a file is damaged.
        """

    def examine(self, batch: Any) -> Examined:
        """As `score`, but row by row, and with what the model decided."""

    def class_names(self) -> tuple[str, ...]:
        """What the numbers in `Examined.true` and `Examined.given` mean; () for no classes."""

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What the model says about each example.

        Args:
            examples: values by feature, as lists or arrays: of each step, or in the context.

        Returns:
            For each example a dict of JSON data.

        Raises:
            FeatureError: an example lacks an input, or it cannot be encoded; `at` says which.
        """
