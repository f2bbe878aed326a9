"""The files that `benchmarks/data.py` reads: written once, and kept where there is a cache."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varlen import (
    JaggedSequence,
    RecordIndex,
    RecordReader,
    ShardedWriter,
    sequence_examples,
)
from varlen.data import best_boundaries

NUM_SYNTHETIC = 1_000_000
NUM_SHARDS = 8
NUM_BUCKETS = 10
NUM_IN_MEMORY = 100_000
MOST_STEPS = 200
EWT = Path(__file__).parents[1] / "data" / "ud_english_ewt" / "ud_english_ewt.jsonl.gz"
_WRITTEN_AT_ONCE = 10_000


class Data(NamedTuple):
    """What lies in a folder, as `shard-*.tfrecord` with their indexes.

    Beside the shards are `facts.npz` with where their records are, the boundaries of buckets and
    the lengths; and `memory.npz` with the contents of the first records, as arrays.
    """

    name: str
    folder: Path
    num_examples: int
    size: int


def draw_lengths(num: int) -> NDArray[np.int64]:
    """Log-normal, with a median of 30, and at most 200: as the sequences of `rnn.py`."""
    drawn = np.exp(np.random.default_rng(0).normal(np.log(30), 0.8, num)).round()
    return drawn.clip(1, MOST_STEPS).astype(np.int64)


def make(cache: Path) -> list[Data]:
    """The data of the cache; what is not there yet is written."""
    return [_made(cache / name, rows) for name, rows in (("ewt", _ewt), ("synthetic", _synthetic))]


def joined(data: Data) -> Path:
    """All records in a single file with an index; record files may be put end to end."""
    path = data.folder / "joined.tfrecord"
    if not path.exists():
        partly = path.with_suffix(".partly")
        with partly.open("wb") as out:
            for shard in shards(data):
                with shard.open("rb") as file:
                    shutil.copyfileobj(file, out, 1 << 24)
        partly.rename(path)
    RecordIndex.open(path, feature="tokens").save()
    return path


def shards(data: Data) -> list[Path]:
    return sorted(data.folder.glob("shard-*.tfrecord"))


class _Rows(NamedTuple):
    lengths: NDArray[np.int64]
    tokens: NDArray[np.int64]
    labels: NDArray[np.int64]


def _made(folder: Path, rows: Callable[[], _Rows]) -> Data:
    facts = folder / "facts.npz"
    if not facts.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, rows())
    with np.load(facts) as stored:
        num_examples = len(stored["lengths"])
    data = Data(folder.name, folder, num_examples, 0)
    return data._replace(size=sum(path.stat().st_size for path in shards(data)))


def _synthetic() -> _Rows:
    generator = np.random.default_rng(1)
    lengths = draw_lengths(NUM_SYNTHETIC)
    num_steps = int(lengths.sum())
    # Words as they come: the smaller the number, the more often.
    tokens = np.minimum(generator.zipf(1.2, num_steps), 30_000)
    return _Rows(lengths, tokens, generator.integers(0, 50, num_steps))


def _ewt() -> _Rows:
    """The words and tags of the training sentences of EWT, as numbers in order of appearance."""
    words: dict[str, int] = {}
    tags: dict[str, int] = {}
    lengths, tokens, labels = [], [], []
    for sentence in _ewt_sentences():
        lengths.append(len(sentence["words"]))
        tokens += [words.setdefault(word, len(words) + 1) for word in sentence["words"]]
        labels += [tags.setdefault(tag, len(tags) + 1) for tag in sentence["upos"]]
    return _Rows(*(np.array(column, np.int64) for column in (lengths, tokens, labels)))


def _ewt_sentences() -> Iterator[dict[str, list[str]]]:
    with gzip.open(EWT, "rt", encoding="utf-8") as lines:
        for line in lines:
            sentence = json.loads(line)
            if sentence["split"] == "train":
                yield sentence


def _write(folder: Path, rows: _Rows) -> None:
    num = len(rows.lengths)
    ends = np.concatenate([[0], np.cumsum(rows.lengths)])
    with ShardedWriter(folder / "shard", NUM_SHARDS) as writer:
        for begin in range(0, num, _WRITTEN_AT_ONCE):
            end = min(begin + _WRITTEN_AT_ONCE, num)
            steps, lengths = slice(ends[begin], ends[end]), rows.lengths[begin:end]
            lists = {
                "tokens": JaggedSequence(rows.tokens[steps], lengths),
                "labels": JaggedSequence(rows.labels[steps], lengths),
            }
            writer.write_many(sequence_examples({"id": np.arange(begin, end)}, lists))
    indexes = [RecordIndex.build(path, feature="tokens") for path in writer.paths]
    for index in indexes:
        index.save()
    in_memory = min(num, NUM_IN_MEMORY)
    steps = slice(0, ends[in_memory])
    np.savez(
        folder / "memory.npz",
        lengths=rows.lengths[:in_memory],
        tokens=rows.tokens[steps],
        labels=rows.labels[steps],
    )
    np.savez(
        folder / "facts.npz",
        lengths=rows.lengths,
        boundaries=best_boundaries(rows.lengths, NUM_BUCKETS),
        files=np.repeat(np.arange(NUM_SHARDS), [len(index) for index in indexes]),
        offsets=np.concatenate([index.offsets for index in indexes]),
        sizes=np.concatenate([index.lengths for index in indexes]),
    )


def warm(data: Data) -> None:
    """Reads everything once, so that nobody waits for a disk."""
    for path in shards(data):
        with RecordReader(path) as reader:
            while reader.read_many(1000):
                pass
