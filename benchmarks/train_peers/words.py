"""The tagger's data for the peers: the same views of a word as varlen's, as plain Python.

Runs in interpreters without varlen.
"""

import gzip
import json
from collections import Counter
from itertools import groupby
from pathlib import Path

FORM_SIZE, PART_SIZE = 100, 32
HIDDEN_FORMS = 0.1


def _kind(character: str) -> str:
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return "d" if character.isdigit() else character


def _shape(word: str) -> str:
    runs = ((kind, len(list(run))) for kind, run in groupby(map(_kind, word)))
    return "".join(kind * min(number, 2) for kind, number in runs)[:8]


def views(word: str) -> list[str]:
    """Its form, its beginnings, its endings and its shape."""
    form = word.lower()
    return [form, *(form[:n] for n in (1, 2, 3)), *(form[-n:] for n in (1, 2, 3, 4)), _shape(word)]


class Tagging:
    """Sentences of words and tags as rows of numbers.

    Attributes:
        sizes: numbers of each view, the form first; 0 is the unknown.
        num_tags: how many tags there are.
        train: pairs of the views of each word, `[steps][views]`, and their tags, `[steps]`.
        valid: the same.
    """

    def __init__(self, path: Path) -> None:
        sentences = {"train": [], "valid": [], "test": []}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                sentence = json.loads(line)
                sentences[sentence["split"]].append((sentence["words"], sentence["upos"]))
        counts = Counter(word for words, _ in sentences["train"] for word in words)
        parts = [Counter() for _ in views("a")]
        for word, count in counts.items():
            for part, view in zip(parts, views(word), strict=True):
                part[view] += count
        least = [1] + [3] * (len(parts) - 1)
        self._numbers = [
            {view: 1 + i for i, view in enumerate(v for v, n in part.items() if n >= enough)}
            for part, enough in zip(parts, least, strict=True)
        ]
        self.sizes = [1 + len(numbers) for numbers in self._numbers]
        tags = sorted({tag for _, tags in sentences["train"] for tag in tags})
        self._tags = {tag: i for i, tag in enumerate(tags)}
        self.num_tags = len(tags)
        self._known: dict[str, list[int]] = {}
        self.train, self.valid = (
            [self._encode(*sentence) for sentence in sentences[split]]
            for split in ("train", "valid")
        )

    def _encode(self, words: list[str], tags: list[str]) -> tuple[list[list[int]], list[int]]:
        return [self._row(word) for word in words], [self._tags[tag] for tag in tags]

    def _row(self, word: str) -> list[int]:
        if word not in self._known:
            found = zip(self._numbers, views(word), strict=True)
            self._known[word] = [numbers.get(view, 0) for numbers, view in found]
        return self._known[word]
