"""A tagger: the network, and what its numbers mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from varlen.errors import CheckpointError, FeatureError, did_you_mean
from varlen.sequences import JaggedSequence, pad
from varlen.train._run_folder import RunFolder
from varlen.train._tagger_network import TaggerNetwork
from varlen.train._tagging_settings import TaggingSettings
from varlen.train._vocabulary import Vocabulary
from varlen.train._words import WordEncoder

TASK = "tag"


@dataclass(frozen=True)
class Tagger:
    """Gives every word of a sentence a tag.

    Attributes:
        settings: how it is trained.
        words: the words of the training split, as numbers.
        tags: the tags of the training split.
        network: from the numbers of words to scores of tags.
    """

    settings: TaggingSettings
    words: WordEncoder
    tags: Vocabulary
    network: TaggerNetwork

    @classmethod
    def untrained(cls, settings: TaggingSettings, words: WordEncoder, tags: Vocabulary) -> "Tagger":
        """A tagger with random weights."""
        network = TaggerNetwork(words.sizes, len(tags), units=settings.units)
        return cls(settings, words, tags, network)

    @classmethod
    def load(cls, run: RunFolder) -> "Tagger":
        """The tagger that a run has trained.

        Raises:
            CheckpointError: the run is of another task, unfinished or damaged.
        """
        vocabulary = run.vocabulary()
        try:
            settings = TaggingSettings.from_json(run.config["settings"])
            words = WordEncoder.from_json(vocabulary["words"])
            tags = Vocabulary(tuple(vocabulary["tags"]))
        except (KeyError, TypeError, AttributeError, CheckpointError) as error:
            raise CheckpointError(
                f"the run folder is damaged: {error}", at=str(run.path)
            ) from error
        tagger = cls.untrained(settings, words, tags)
        run.load_model(tagger.network)
        return tagger

    def vocabulary(self) -> dict[str, Any]:
        """The contents of the run's `vocabulary.json`."""
        return {"words": self.words.to_json(), "tags": list(self.tags.tokens)}

    def encode_tags(self, tags: Sequence[str], *, at: str | None = None) -> npt.NDArray[np.int64]:
        """The numbers of tags.

        Args:
            tags: the tags.
            at: where they were found, for the message.

        Raises:
            FeatureError: the training split had no such tag.
        """
        for tag in tags:
            if tag not in self.tags:
                raise FeatureError(
                    f"tag {tag!r} was not in the training split",
                    at=at,
                    hint=f"of tags, {did_you_mean(tag, self.tags.tokens)}",
                )
        return np.array([self.tags.numbers[tag] for tag in tags], np.int64)

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The likeliest tag of each word. A sentence without words has no tags."""
        rows = [self.words.encode(sentence) for sentence in sentences]
        if not any(len(row) for row in rows):
            return [[] for _ in rows]
        lengths = np.array([len(row) for row in rows], np.int64)
        words = pad(JaggedSequence(np.concatenate(rows), lengths))
        self.network.eval()
        with torch.inference_mode():
            scores = self.network(torch.from_numpy(words.data), torch.from_numpy(lengths))
        best = scores.argmax(-1).tolist()
        return [
            [self.tags.tokens[number] for number in row[:length]]
            for row, length in zip(best, lengths, strict=True)
        ]
