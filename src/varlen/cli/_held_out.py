"""The end of a text, held out of its training split for validation."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from varlen.errors import ConfigError
from varlen.formats import TEXT, Row


def with_ends_held_out(read: Callable[[], Iterable[Row]], share: float) -> Iterator[Row]:
    """Texts, of which the last share of each file that is to be learned is in the split "valid".

    Args:
        read: reads the texts, with their splits; called twice, since an end is known only there.
        share: of all characters of a file; what is learned is rounded down.

    Raises:
        ConfigError: there would be nothing left to learn.
    """
    sizes: Counter[str] = Counter()
    for row in read():
        if row.split == "train":
            sizes[_file_of(row)] += len(row.context[TEXT])
    left = {file: int(size * (1 - share)) for file, size in sizes.items()}
    if sizes and not any(left.values()):
        raise ConfigError(
            f"expected a text of which something is left when a share of {share:g} is held out, "
            f"found {sizes.total()} characters",
            at=next(iter(sizes)),
        )
    for row in read():
        if row.split != "train":
            yield row
            continue
        file, text = _file_of(row), row.context[TEXT]
        for split, part in (("train", text[: left[file]]), ("valid", text[left[file] :])):
            if part:
                yield row._replace(context={TEXT: part}, split=split)
        left[file] = max(0, left[file] - len(text))


def _file_of(row: Row) -> str:
    return row.place.rpartition(", line ")[0]
