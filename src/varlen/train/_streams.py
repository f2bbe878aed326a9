"""Long sequences in batches: read on chunk by chunk to learn, whole to be scored."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.data import (
    Chunk,
    LimitLength,
    Map,
    Parse,
    Shuffle,
)
from varlen.train._batches import Batches, batching, pass_over, shuffle_window
from varlen.train._dataset import Dataset

_MOST_CHUNKS = 64  # that a row reads on from a beginning

Encode = Callable[[dict[str, Any]], dict[str, Any]]


def streamed_batches(
    data: Dataset,
    split: str,
    *,
    parse: Parse,
    encode: Encode,
    names: tuple[str, ...],
    lengths: npt.NDArray[np.int64],
    chunk: int,
    batch_size: int,
    shuffle_seed: int,
) -> Batches:
    """A pass over a split in which every row reads on in its own sequence, as `Chunk` does.

    A sequence that is longer than a row's share of all steps is read by several rows, which begin
    within it; so one text gives as many streams as there are rows. Nor does a row read on for more
    than 64 chunks: a model that hardly ever begins does not learn how to, and is lost in a whole
    text from its first steps on. (128 units, an epoch of tiny Shakespeare, five seeds: a loss of
    2.4 while it learned, and for the text of validation 6.7 to 6.9 of four of them; now 2.2.)

    Args:
        data: has the split.
        split: its name.
        parse: parses its records.
        encode: makes numbers of a parsed example.
        names: its sequences, which go together.
        lengths: of all of them.
        chunk: the most steps of a row.
        batch_size: rows.
        shuffle_seed: of the order of sequences.
    """
    share = max(1, math.ceil(int(lengths.sum()) / batch_size))
    most = min(share, _MOST_CHUNKS * chunk)
    return pass_over(
        data,
        split,
        Shuffle(shuffle_window(data, split), shuffle_seed),
        parse,
        Map(encode),
        LimitLength(names, most, "split"),
        Chunk(chunk, batch_size),
    )


def whole_batches(
    data: Dataset,
    split: str,
    *,
    parse: Parse,
    encode: Encode,
    length_of: str,
    lengths: npt.NDArray[np.int64],
    batch_size: int,
    max_steps: int,
) -> Batches:
    """A pass over a split in batches of whole sequences, as `batching` makes them.

    One long text is a batch of one row, whose steps wait for each other: each reads all weights of
    the recurrence once, and takes about as long as that does.
    """
    stage = batching(data, length_of, lengths, batch_size, max_steps=max_steps)
    return pass_over(data, split, parse, Map(encode), stage)
