"""How good a tagger is, in all and tag by tag."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from varlen.errors import ConfigError
from varlen.train._splits import split_files
from varlen.train._tagged_batches import known_sentences, tagged_batches
from varlen.train._tagger import Tagger


class TagResult(NamedTuple):
    """One tag's line of the table; a share of nothing is 0.

    Attributes:
        tag: the tag.
        precision: the share of right ones among the words that were given the tag.
        recall: the share of right ones among the words that have the tag.
        f1: the harmonic mean of both.
        num_words: how many words have the tag.
    """

    tag: str
    precision: float
    recall: float
    f1: float
    num_words: int


@dataclass(frozen=True)
class TaggingReport:
    """The counts of an evaluation.

    Attributes:
        tags: the tags of the training split.
        confusion: `[true tag, given tag]`, how many words.
        num_unknown: how many words were not in the training split, whatever their capitals.
        num_unknown_correct: how many of them were given the right tag.
    """

    tags: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    num_unknown: int
    num_unknown_correct: int

    @property
    def num_words(self) -> int:
        """How many words there are."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of words that were given the right tag."""
        return _share(np.trace(self.confusion), self.num_words)

    @property
    def unknown_accuracy(self) -> float:
        """The same among the words that were not in the training split."""
        return _share(self.num_unknown_correct, self.num_unknown)

    def by_tag(self) -> list[TagResult]:
        """The table by tag, the frequent first; without tags that neither occur nor were given."""
        counts, given = self.confusion.sum(1), self.confusion.sum(0)
        correct = np.diag(self.confusion)
        rows = [
            TagResult(
                tag,
                _share(correct[i], given[i]),
                _share(correct[i], counts[i]),
                _share(2 * correct[i], counts[i] + given[i]),
                int(counts[i]),
            )
            for i, tag in enumerate(self.tags)
            if counts[i] or given[i]
        ]
        return sorted(rows, key=lambda row: (-row.num_words, row.tag))


def evaluate_tagger(tagger: Tagger, data: Path, split: str) -> TaggingReport:
    """Tags a split and compares.

    Raises:
        ConfigError: the split is missing or empty.
        FeatureError: a record lacks the features, or has a tag that the training split had not.
        CorruptRecordError: a file is damaged.
    """
    files = split_files(data, split)
    if not sum(len(sentence.words) for sentence in known_sentences(files, tagger)):
        raise ConfigError(f"split {split!r} has no words", at=str(data))
    num_tags = len(tagger.tags)
    confusion = np.zeros((num_tags, num_tags), np.int64)
    num_unknown = num_unknown_correct = 0
    tagger.network.eval()
    for batch in tagged_batches(files, tagger):
        words, lengths = batch["words"]
        live = torch.arange(words.shape[1]) < lengths[:, None]
        with torch.inference_mode():
            given = tagger.network(words, lengths).argmax(-1)[live].numpy()
        true = batch["tags"].data[live].numpy()
        np.add.at(confusion, (true, given), 1)
        # The first view of a word is its form, and 0 the form that training did not see.
        unknown = (words[..., 0] == 0)[live].numpy()
        num_unknown += int(unknown.sum())
        num_unknown_correct += int((unknown & (true == given)).sum())
    return TaggingReport(tagger.tags.tokens, confusion, num_unknown, num_unknown_correct)


def _share(part: int | np.integer, whole: int | np.integer) -> float:
    return float(part / whole) if whole else 0.0
