"""`varlen predict`: what a trained model says about new sequences."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from varlen.errors import FeatureError

_BATCH_SIZE = 64


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    sentences: Annotated[
        list[str] | None,
        typer.Argument(metavar="SENTENCE", help="Words with spaces between them."),
    ] = None,
) -> None:
    """Tag sentences.

    Each word is printed with its tag behind a slash. Without sentences, the lines of the standard
    input are tagged, each in a line of its own.
    """
    from varlen.train import RunFolder, Tagger

    tagger = Tagger.load(RunFolder.open(run, task="tag"))
    # Whoever types waits for the answer to a line.
    size = 1 if sentences is None and sys.stdin.isatty() else _BATCH_SIZE
    for batch in _batches(_typed_lines() if sentences is None else sentences, size):
        for words, tags in zip(batch, tagger.tag(batch), strict=True):
            print(" ".join(f"{word}/{tag}" for word, tag in zip(words, tags, strict=True)))
        sys.stdout.flush()


def _typed_lines() -> Iterator[str]:
    number = 0
    try:
        for line in sys.stdin:
            number += 1
            yield line
    except UnicodeDecodeError as error:
        raise FeatureError(
            f"expected text in {error.encoding}, found other bytes",
            at=f"the standard input, after line {number}",
        ) from error


def _batches(lines: Iterable[str], size: int) -> Iterator[list[list[str]]]:
    words = (line.split() for line in lines)
    while batch := list(islice(words, size)):
        yield batch
