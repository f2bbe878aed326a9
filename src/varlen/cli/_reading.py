"""How files that are not record files are meant: what names splits, groups of lines, and words."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from varlen.cli._convert_in import reader_of
from varlen.cli._format_names import TABLES
from varlen.cli._shards import with_splits
from varlen.errors import ConfigError, FeatureError
from varlen.formats import CsvLayout, Progress, Row, quote


class Reading(NamedTuple):
    """How files of other formats are read.

    Attributes:
        split_by: the context feature that names the split of a record; None to go by the names of
            files.
        group_by: as in `CsvLayout`.
        context: as in `CsvLayout`.
        words: features of text that are lists of words instead, in any format.
    """

    split_by: str | None = None
    group_by: str | None = None
    context: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        split_by: str | None = None,
        group_by: str | None = None,
        context: list[str] | None = None,
        words: list[str] | None = None,
    ) -> "Reading":
        """What the options of a command say.

        Raises:
            ConfigError: one of them would do nothing without another.
        """
        if context and group_by is None:
            raise ConfigError("--context: expected --group-by beside it")
        return cls(split_by, group_by, tuple(context or ()), tuple(words or ()))

    def refuse(self, reason: str, *, at: str) -> None:
        """Refuses options that would do nothing.

        Raises:
            ConfigError: one is given.
        """
        for name, value in self._asdict().items():
            if value:
                raise ConfigError(f"--{name.replace('_', '-')} {reason}", at=at)

    def check(self, format_name: str, *, at: str) -> None:
        """Refuses options that are for another format.

        Raises:
            ConfigError: one is given.
        """
        if format_name not in TABLES:
            self._replace(split_by=None, words=()).refuse("is for csv and tsv", at=at)

    def rows(
        self, format_name: str, files: list[str], progress: Progress, *, split: str | None
    ) -> Iterator[Row]:
        """The rows of files, each with its split.

        Args:
            format_name: of all files.
            files: their paths.
            progress: told of the bytes that are read.
            split: of rows that do not name one.

        Raises:
            FeatureError: a row does not name its split, or what is to be words is none.
            What the reader of the format raises.
        """
        is_table = format_name in TABLES
        layout = CsvLayout(
            group_by=self.group_by, context=self.context, words=self.words if is_table else ()
        )
        rows = reader_of(format_name, layout).rows(files, progress)
        if not is_table:
            rows = map(self._with_words, rows)
        if self.split_by is not None:
            return with_splits(rows, self.split_by)
        return _of_split(rows, split)

    def _with_words(self, row: Row) -> Row:
        found = {name: row.context[name] for name in self.words if name in row.context}
        if not found:
            return row
        words: dict[str, Any] = {}
        for name, text in found.items():
            if not isinstance(text, str):
                raise FeatureError(
                    f"expected text to cut into words, found {quote(text)}",
                    at=f"{row.place}, key {name!r}",
                )
            words[name] = text.split()
        context = {name: value for name, value in row.context.items() if name not in words}
        return row._replace(context=context, sequences={**row.sequences, **words})


def _of_split(rows: Iterable[Row], split: str | None) -> Iterator[Row]:
    for row in rows:
        yield row._replace(split=row.split or split)
