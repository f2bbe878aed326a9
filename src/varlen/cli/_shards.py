"""A folder of record files, a set of shards per split, that appears whole or not at all."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from varlen.cli._json_lines import JsonExample
from varlen.errors import ConfigError, FeatureError
from varlen.features import sequence_example
from varlen.records import ShardedWriter

# Every split has its files open until the end; a key with more values names something else.
_MOST_SPLITS = 32


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Says, before any work, whether `made_whole` may put a folder there.

    Raises:
        ConfigError: there is something that is not to be lost.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError("expected a path for a new folder, found a file", at=str(folder))
    names = sorted(path.name for path in folder.iterdir())
    if names and not overwrite:
        raise ConfigError(
            "the folder is there already, and is not empty",
            at=str(folder),
            hint="give another one, or --overwrite to lose what is in this one",
        )
    ours = (".tfrecord", ".tfrecord.index")
    if foreign := [name for name in names if not name.endswith(ours)]:
        raise ConfigError(
            f"only a folder of .tfrecord files can be overwritten, found {foreign[0]!r}",
            at=str(folder),
        )


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write into, which takes its place if all goes well."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    beside.mkdir()
    try:
        yield beside
        if folder.exists():
            before = folder.with_name(f".{folder.name}.replaced-{os.getpid()}")
            folder.rename(before)
            beside.rename(folder)
            shutil.rmtree(before)
        else:
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_splits(lines: Iterable[JsonExample], folder: Path, shards: int) -> Counter[str]:
    """Writes each line to the files of its split, and counts the lines of each.

    Raises:
        FeatureError: a value does not fit into a feature, or there are too many splits.
    """
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        writers: dict[str, ShardedWriter] = {}
        for context, sequences, split, at in lines:
            if split not in writers:
                if len(writers) == _MOST_SPLITS:
                    raise FeatureError(
                        f"expected at most {_MOST_SPLITS} splits, found one more, {split!r}", at=at
                    )
                writers[split] = stack.enter_context(ShardedWriter(folder / split, shards))
            try:
                record = sequence_example(context=context, sequences=sequences)
            except FeatureError as error:
                raise FeatureError(
                    error.problem, at=f"{at}: {error.at}", hint=error.hint
                ) from error
            writers[split].write(record)
            counts[split] += 1
    return counts
