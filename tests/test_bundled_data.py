"""The data sets in data/ are what their READMEs say."""

from collections import Counter
from pathlib import Path

import pytest

from varlen.formats import read_json_lines, read_text

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("name", "pieces", "steps", "lowest", "highest", "longest"),
    [
        ("jsb_chorales", (229, 76, 77), (13807, 4602, 4725), 43, 96, 160),
        ("piano_midi", (87, 12, 25), (75911, 8540, 19036), 21, 108, 3857),
    ],
)
def test_pieces_of_music(name, pieces, steps, lowest, highest, longest):
    num_pieces, num_steps, notes, most = Counter(), Counter(), set(), 0
    for row in read_json_lines([str(DATA / name / f"{name}.jsonl.gz")], lambda _: None):
        split, piece = row.context["split"], row.sequences["notes"]
        num_pieces[split] += 1
        num_steps[split] += len(piece)
        assert row.context["length"] == len(piece)
        most = max(most, len(piece))
        for step in piece:
            assert step == sorted(set(step))
            notes.update(step)
    splits = ("train", "valid", "test")
    assert tuple(num_pieces[split] for split in splits) == pieces
    assert tuple(num_steps[split] for split in splits) == steps
    assert (min(notes), max(notes), most) == (lowest, highest, longest)


def test_tiny_shakespeare():
    [row] = read_text([str(DATA / "tiny_shakespeare" / "input.txt.gz")], lambda _: None)
    text = row.context["text"]
    assert (len(text), len(set(text)), text.isascii()) == (1_115_394, 65, True)
