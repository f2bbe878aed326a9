"""A language of a few words, which a tagger learns in a moment."""

import json
import random
from pathlib import Path

WORDS = {
    "DET": ["the", "a", "every"],
    "ADJ": ["small", "green", "lazy"],
    "NOUN": ["cat", "dog", "bird", "fish"],
    "VERB": ["sleeping", "barking", "swimming"],
    "PUNCT": ["."],
}
PATTERNS = [["DET", "NOUN", "VERB", "PUNCT"], ["DET", "ADJ", "NOUN", "VERB"], ["VERB", "PUNCT"], []]


def sentences(count: int, *, seed: int) -> list[dict]:
    """Sentences as JSON objects; some have no words."""
    draw = random.Random(seed)
    patterns = [draw.choice(PATTERNS) for _ in range(count)]
    return [
        {"id": i, "words": [draw.choice(WORDS[tag]) for tag in tags], "upos": tags}
        for i, tags in enumerate(patterns)
    ]


def write_corpus(path: Path, **splits: int) -> Path:
    """JSON Lines with so many sentences of each split."""
    with path.open("w") as file:
        for seed, (split, count) in enumerate(splits.items()):
            for sentence in sentences(count, seed=seed):
                file.write(json.dumps(sentence | {"split": split}) + "\n")
    return path
