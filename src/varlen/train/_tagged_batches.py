"""Record files of words and tags, as sentences and as batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from varlen.data import (
    BucketBySequenceLength,
    Map,
    Pad,
    Parse,
    Pipeline,
    Prefetch,
    Records,
    Shuffle,
)
from varlen.errors import FeatureError
from varlen.features import FixedLenSequenceFeature, parse_single_sequence_example
from varlen.records import open_records
from varlen.sequences import JaggedSequence
from varlen.train._tagger import Tagger
from varlen.train._tagging_settings import TaggingSettings

_SHUFFLE_WINDOW = 10_000
_BOUNDARIES = (4, 8, 12, 16, 20, 25, 30, 40, 60)
_PREFETCHED = 4


class TaggedSentence(NamedTuple):
    """One record.

    Attributes:
        words: the words.
        tags: as many tags.
        place: file and byte.
    """

    words: list[str]
    tags: list[str]
    place: str


def tagged_sentences(files: Sequence[str], settings: TaggingSettings) -> Iterator[TaggedSentence]:
    """Every sentence of the files, in order.

    Raises:
        FeatureError: a record has no such features, or not one tag per word.
        CorruptRecordError: a file is damaged.
    """
    for record in open_records(files):
        _, sequences = parse_single_sequence_example(
            record.data, sequence_features=_specs(settings), at=record.place
        )
        words = _texts(sequences[settings.inputs], f"{record.place}: {settings.inputs}")
        tags = _texts(sequences[settings.targets], f"{record.place}: {settings.targets}")
        if len(words) != len(tags):
            raise FeatureError(
                f"expected one tag per word, found {len(words)} steps of {settings.inputs!r} "
                f"and {len(tags)} of {settings.targets!r}",
                at=record.place,
            )
        yield TaggedSentence(words, tags, record.place)


def known_sentences(files: Sequence[str], tagger: Tagger) -> Iterator[TaggedSentence]:
    """As `tagged_sentences`, of the features that the tagger takes.

    Raises:
        FeatureError: also for a tag that the training split had not.
    """
    for sentence in tagged_sentences(files, tagger.settings):
        tagger.encode_tags(sentence.tags, at=sentence.place)
        yield sentence


def tagged_batches(
    files: Sequence[str], tagger: Tagger, *, shuffle_seed: int | None = None
) -> Iterator[dict[str, Any]]:
    """One pass over the files in batches of like length: "words" and "tags", padded, as numbers.

    For files that `known_sentences` has been through: its errors name the record, these do not.

    Args:
        files: paths of record files.
        tagger: knows features, numbers and batch size.
        shuffle_seed: of the order of the records; None leaves them as they are.
    """

    def encode(example: dict[str, Any]) -> dict[str, Any]:
        words, length = example[tagger.settings.inputs]
        tags, _ = example[tagger.settings.targets]
        return {
            "words": JaggedSequence(tagger.words.encode([w.decode() for w in words]), length),
            "tags": JaggedSequence(tagger.encode_tags([t.decode() for t in tags]), length),
        }

    shuffle = [] if shuffle_seed is None else [Shuffle(_SHUFFLE_WINDOW, shuffle_seed)]
    pipeline = Pipeline(
        Records(files),
        *shuffle,
        Parse(sequence_features=_specs(tagger.settings)),
        Map(encode),
        BucketBySequenceLength("words", _BOUNDARIES, tagger.settings.batch_size),
        Pad(),
        Prefetch(_PREFETCHED),
    )
    return iter(pipeline)


def _specs(settings: TaggingSettings) -> dict[str, FixedLenSequenceFeature]:
    names = (settings.inputs, settings.targets)
    return {name: FixedLenSequenceFeature([], bytes) for name in names}


def _texts(values: Iterable[bytes], at: str) -> list[str]:
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise FeatureError(f"expected UTF-8 text: {error}", at=at) from error
