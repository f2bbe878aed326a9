"""The task of tagging: every word of a sentence has one tag of a fixed set."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from varlen.errors import ConfigError
from varlen.losses import masked_cross_entropy
from varlen.metrics import accuracy
from varlen.train._loop import fit
from varlen.train._progress import EpochResult, Observer, Score
from varlen.train._run_folder import RunFolder
from varlen.train._splits import split_files
from varlen.train._tagged_batches import (
    TaggedSentence,
    known_sentences,
    tagged_batches,
    tagged_sentences,
)
from varlen.train._tagger import TASK, Tagger
from varlen.train._tagging_settings import TaggingSettings
from varlen.train._vocabulary import Vocabulary
from varlen.train._words import WordEncoder


class Tagging:
    """A tagger and the splits that it learns from: the `Task` of tagging.

    Reads both splits once, for the vocabularies and to find what is wrong before work is done.

    Args:
        data: a folder with the shards of the splits "train" and "valid".
        settings: of the tagger.

    Raises:
        ConfigError: a split is missing or empty.
        FeatureError: a record lacks the features, or validation has a tag that training has not.
        CorruptRecordError: a file is damaged.
    """

    def __init__(self, data: Path, settings: TaggingSettings) -> None:
        self._files = {split: split_files(data, split) for split in ("train", "valid")}
        train = _count(tagged_sentences(self._files["train"], settings), "train", data)
        words, tags = WordEncoder.count(train.words), Vocabulary.count(train.tags)
        self.tagger = Tagger.untrained(settings, words, tags)
        valid = _count(known_sentences(self._files["valid"], self.tagger), "valid", data)
        self._num_steps = {"train": train.words.total(), "valid": valid.words.total()}
        self.summary = (
            f"{train.num_sentences:,} sentences to learn from, {valid.num_sentences:,} to "
            f"validate; {words.num_forms:,} words, {len(tags)} tags"
        )

    @property
    def model(self) -> nn.Module:
        """The network that learns."""
        return self.tagger.network

    def num_steps(self, split: str) -> int:
        """How many words the split has."""
        return self._num_steps[split]

    def batches(self, split: str, *, epoch: int) -> Iterator[Any]:
        """One pass over the split, the training split in an order of this epoch."""
        seed = self.tagger.settings.seed + epoch * 2**32 if split == "train" else None
        return tagged_batches(self._files[split], self.tagger, shuffle_seed=seed)

    def score(self, batch: Any) -> Score:
        """Cross-entropy and accuracy over live steps."""
        words, lengths = batch["words"]
        tags, _ = batch["tags"]
        logits = self.tagger.network(words, lengths)
        loss = masked_cross_entropy(logits, tags, lengths, reduction="token")
        hits = accuracy(logits, tags, lengths)
        return Score(loss, hits.correct, hits.total, tags.numel())


def train_tagger(
    data: Path,
    run: Path,
    settings: TaggingSettings,
    *,
    observer: Observer,
    overwrite: bool = False,
) -> EpochResult:
    """Trains a tagger and leaves it in a run folder. The same seed gives the same weights.

    Args:
        data: a folder with the shards of the splits "train" and "valid".
        run: path of the folder to make.
        settings: of the tagger.
        observer: is told how it goes.
        overwrite: whether a run folder that is there is replaced.

    Returns:
        The best epoch by validation accuracy, whose weights are in the folder.

    Raises:
        What `Tagging` and `RunFolder.create` raise.
    """
    RunFolder.check_free(run, overwrite=overwrite)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        task = Tagging(data, settings)
        folder = RunFolder.create(
            run,
            task=TASK,
            config={"data": str(data.resolve()), "settings": settings.to_json()},
            vocabulary=task.tagger.vocabulary(),
            overwrite=overwrite,
        )
        observer.training_begins(task.summary)
        return fit(
            task,
            folder,
            num_epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            observer=observer,
        )


class _Counts(NamedTuple):
    words: Counter[str]
    tags: Counter[str]
    num_sentences: int


def _count(sentences: Iterable[TaggedSentence], split: str, data: Path) -> _Counts:
    words: Counter[str] = Counter()
    tags: Counter[str] = Counter()
    num_sentences = 0
    for sentence in sentences:
        words.update(sentence.words)
        tags.update(sentence.tags)
        num_sentences += 1
    if not words:
        raise ConfigError(f"split {split!r} has no words", at=str(data))
    return _Counts(words, tags, num_sentences)
