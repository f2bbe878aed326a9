"""What tasks have in common when they learn encoders, encode examples and sum over rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from varlen.data import Batch, Pipeline
from varlen.errors import ConfigError, FeatureError
from varlen.sequences import JaggedSequence
from varlen.train._batches import as_tensors, to_device
from varlen.train._dataset import Dataset, placed
from varlen.train.inputs import Inputs

Encode = Callable[[dict[str, Any]], dict[str, Any]]
_Row = TypeVar("_Row")


@runtime_checkable
class Learns(Protocol):
    """Takes in the values of a feature, example by example."""

    def add(self, values: Any) -> None: ...


def learn_from(
    data: Dataset,
    learners: Mapping[str, Learns],
    *,
    context: Mapping[str, Any] | None = None,
    sequences: Mapping[str, Any] | None = None,
    split: str = "train",
) -> None:
    """Shows a split to what learns its features.

    Raises:
        FeatureError: a record does not hold what is specified, or values that nothing is learned
            from; `at` names it.
        CorruptRecordError: a file is damaged.
    """
    for values, place in data.examples(split, context=context, sequences=sequences):
        for name, learner in learners.items():
            value = values[name]
            try:
                learner.add(value.values if isinstance(value, JaggedSequence) else value)
            except FeatureError as error:
                raise placed(error, f"{place}: {name}") from error


def check_examples(
    data: Dataset,
    split: str,
    encode: Encode,
    *,
    context: Mapping[str, Any] | None = None,
    sequences: Mapping[str, Any] | None = None,
) -> None:
    """Encodes every example of a split, so that what is wrong is found before work is done.

    Raises:
        ConfigError: there is no such split, or it has no steps.
        FeatureError: an example that cannot be encoded; `at` names its record.
        CorruptRecordError: a file is damaged.
    """
    num_steps = 0
    for values, place in data.examples(split, context=context, sequences=sequences):
        try:
            encoded = encode(values)
        except FeatureError as error:
            raise placed(error, place) from error
        rows = (row for row in encoded.values() if isinstance(row, JaggedSequence))
        num_steps += int(next(rows).lengths)
    if not num_steps:
        is_held_out = split == "valid" and data.held_out
        raise ConfigError(
            f"split {split!r} has no steps",
            at=str(data.path),
            hint="few sequences, or short ones, were held out for it: say a larger --valid-share"
            if is_held_out
            else None,
        )


def batch_of(
    inputs: Inputs, examples: Sequence[Mapping[str, Any]], device: torch.device
) -> dict[str, Any]:
    """A batch of the inputs of examples that come from anywhere.

    Raises:
        FeatureError: one lacks an input, or it cannot be encoded; `at` says which.
    """

    def encode(example: Mapping[str, Any]) -> dict[str, Any]:
        return inputs.encode({name: _as_array(name, example, inputs) for name in example})

    return batched(encode_each(examples, encode), device)


def encode_each(
    examples: Sequence[Mapping[str, Any]], encode: Callable[[Mapping[str, Any]], _Row]
) -> list[_Row]:
    """What `encode` makes of examples that come from anywhere.

    Raises:
        FeatureError: what it raises, with the number of the example.
    """
    rows = []
    for number, example in enumerate(examples):
        try:
            rows.append(encode(example))
        except FeatureError as error:
            raise placed(error, f"example {number}") from error
    return rows


def batched(rows: Sequence[dict[str, Any]], device: torch.device) -> dict[str, Any]:
    """A batch of encoded examples, one or more."""
    [batch] = Pipeline(rows, Batch(len(rows))).for_rank(0, 1)
    return to_device(as_tensors(batch), device)


@contextmanager
def judging(model: torch.nn.Module) -> Iterator[None]:
    """Runs a model as it is when nothing is learned: without dropout, without gradients."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def rows_of(lengths: Tensor) -> Tensor:
    """The row of each live step."""
    return torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)


def sum_rows(steps: Tensor, lengths: Tensor) -> Tensor:
    """The sum of the live steps of each row, `[batch, ...]`."""
    sums = steps.new_zeros(len(lengths), *steps.shape[1:])
    return sums.index_add(0, rows_of(lengths), steps)


def max_rows(steps: Tensor, lengths: Tensor) -> Tensor:
    """The largest of the live steps of each row, `[batch, features]`; 0 for a row without steps."""
    index = rows_of(lengths)[:, None].expand_as(steps)
    zeros = steps.new_zeros(len(lengths), steps.shape[1])
    return zeros.scatter_reduce(0, index, steps, "amax", include_self=False)


def block_of(steps: Tensor, lengths: Tensor) -> Tensor:
    """Live steps where they belong in a padded block, `[batch, time, ...]`, with 0 elsewhere."""
    rows = torch.split(steps, lengths.tolist())
    if not rows:
        return steps.new_zeros(0, 0, *steps.shape[1:])
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)


def padded_size(lengths: Tensor) -> int:
    """How many steps a padded block of these rows has."""
    return len(lengths) * int(lengths.max()) if len(lengths) else 0


def device_of(model: torch.nn.Module) -> torch.device:
    """Where a model is."""
    return next(model.parameters()).device


def _as_array(name: str, example: Mapping[str, Any], inputs: Inputs) -> Any:
    """Values from JSON in the form in which records have them; text is cut into words."""
    value = example[name]
    if name not in inputs.encoders or isinstance(value, np.ndarray):
        return value
    spec = inputs.specs[name]
    is_text = spec.dtype == np.dtype(object)
    if is_text and isinstance(value, str):
        value = value.split()
    if not isinstance(value, list | tuple):
        raise FeatureError(f"expected a list of steps, found {value!r:.60}", at=name)
    for step in value:
        if is_text != isinstance(step, str | bytes):
            expected = "strings" if is_text else "numbers"
            raise FeatureError(f"expected {expected}, found {step!r:.60}", at=name)
    try:
        return np.array(value, object if is_text else spec.dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise FeatureError(
            f"expected numbers, the same for every step: {error}", at=name
        ) from error
