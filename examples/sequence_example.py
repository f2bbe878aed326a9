"""Sequences and their labels to a TFRecord file and back."""

import tempfile
from pathlib import Path

from varlen import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    RecordReader,
    RecordWriter,
    SequenceExample,
    int64,
    parse_single_sequence_example,
)

sequences = [[1, 2, 3], [4, 5, 1], [1, 2]]
label_sequences = [[0, 1, 0], [1, 0, 0], [1, 1]]


def make_example(sequence: list[int], labels: list[int]) -> SequenceExample:
    example = SequenceExample()
    # What belongs to the sequence as a whole is its context.
    example.context.feature["length"].int64_list.value.append(len(sequence))
    # What belongs to its steps is a feature list each.
    tokens = example.feature_lists.feature_list["tokens"]
    targets = example.feature_lists.feature_list["labels"]
    for token, label in zip(sequence, labels, strict=True):
        tokens.feature.add().int64_list.value.append(token)
        targets.feature.add().int64_list.value.append(label)
    return example


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "train.tfrecord"
    with RecordWriter(path) as writer:
        for sequence, labels in zip(sequences, label_sequences, strict=True):
            writer.write(make_example(sequence, labels).SerializeToString())
    print("Wrote", len(sequences), "examples to", path.name)

    read = []
    with RecordReader(path) as reader:
        for record in reader:
            context, steps = parse_single_sequence_example(
                record,
                context_features={"length": FixedLenFeature([], int64)},
                sequence_features={
                    "tokens": FixedLenSequenceFeature([], int64),
                    "labels": FixedLenSequenceFeature([], int64),
                },
            )
            print(
                "length", context["length"], " tokens", steps["tokens"], " labels", steps["labels"]
            )
            read.append(
                (int(context["length"]), steps["tokens"].tolist(), steps["labels"].tolist())
            )

assert read == [
    (len(sequence), sequence, labels)
    for sequence, labels in zip(sequences, label_sequences, strict=True)
]
