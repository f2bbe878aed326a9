"""CoNLL-U: the words of a sentence are steps, its comments are context."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from varlen.errors import CorruptRecordError

from ._lines import decode_line, read_lines
from ._row import Progress, Row

_COLUMNS = ("form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_NO_HEAD = -1
# A multiword token, 3-4, or an empty node, 3.1.
_NO_WORD = re.compile(r"\d+[-.]\d+")
_HEAD = re.compile(r"[0-9]{1,9}")
# These comments say something by being there.
_MARKS = ("newdoc", "newpar")


def read_conllu(paths: Sequence[str], progress: Progress) -> Iterator[Row]:
    """A row for each sentence of CoNLL-U files (universaldependencies.org/format).

    Steps are the syntactic words, which HEAD counts: the feature lists `form`, `lemma`, `upos`,
    `xpos`, `feats`, `head` (integers; -1 where there is `_`), `deprel`, `deps` and `misc`. Lines of
    multiword tokens (`3-4`) and of empty nodes (`3.1`) are left out. A comment `# key = value` is
    context under its key, such as `sent_id` and `text`; `# newdoc` and `# newpar` are there with
    the value 1; other comments are left out.

    Args:
        paths: files, plain or gzip.
        progress: told of the bytes that are read.

    Raises:
        OSError: a file is missing or cannot be read.
        CorruptRecordError: a line has not ten columns, words are not numbered from 1 on, or a HEAD
            is none of these numbers; or a gzip file is damaged.
    """
    for path in paths:
        sentence = _Sentence(path)
        for number, raw in read_lines(path, progress):
            line = decode_line(raw, f"{path}, line {number}").rstrip("\r\n")
            if line.strip():
                sentence.add(line, number)
            elif sentence.begin:
                yield sentence.row()
                sentence = _Sentence(path)
        if sentence.begin:
            yield sentence.row()


class _Sentence:
    """A sentence of which lines come.

    Attributes:
        begin: the number of its first line; 0 before there is one.
    """

    def __init__(self, path: str) -> None:
        self.begin = 0
        self._path = path
        self._context: dict[str, Any] = {}
        self._words: list[list[str]] = []
        self._heads: list[int] = []
        self._lines: list[int] = []

    def add(self, line: str, number: int) -> None:
        self.begin = self.begin or number
        if line.startswith("#"):
            self._add_comment(line)
        else:
            self._add_word(line, number)

    def row(self) -> Row:
        place = f"{self._path}, line {self.begin}"
        if not self._words:
            raise CorruptRecordError("expected a sentence of a word at least, found none", at=place)
        for head, number in zip(self._heads, self._lines, strict=True):
            if head > len(self._words):
                raise CorruptRecordError(
                    f"expected a HEAD up to {len(self._words)}, found {head}",
                    at=f"{self._path}, line {number}",
                )
        columns = dict(zip(_COLUMNS, map(list, zip(*self._words, strict=True)), strict=True))
        return Row(self._context, {**columns, "head": self._heads}, place)

    def _add_comment(self, line: str) -> None:
        key, is_pair, value = line[1:].partition("=")
        if is_pair:
            self._context[key.strip()] = value.strip()
        elif key.strip() in _MARKS:
            self._context[key.strip()] = 1

    def _add_word(self, line: str, line_number: int) -> None:
        place = f"{self._path}, line {line_number}"
        word_id, *columns = line.split("\t")
        if len(columns) != len(_COLUMNS):
            raise CorruptRecordError(
                f"expected {len(_COLUMNS) + 1} columns with tabs between, found {len(columns) + 1}",
                at=place,
            )
        if _NO_WORD.fullmatch(word_id):
            return
        if word_id != str(len(self._words) + 1):
            raise CorruptRecordError(
                f"expected word {len(self._words) + 1} of the sentence, found ID {word_id!r}",
                at=place,
                hint="sentences end with an empty line",
            )
        self._words.append(columns)
        self._heads.append(_head(columns[_COLUMNS.index("head")], place))
        self._lines.append(line_number)


def _head(column: str, place: str) -> int:
    if column == "_":
        return _NO_HEAD
    if not _HEAD.fullmatch(column):
        raise CorruptRecordError(
            f"expected the number of a word as HEAD, found {column!r}", at=place
        )
    return int(column)
