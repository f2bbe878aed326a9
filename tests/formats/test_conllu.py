import pytest

from formats.rows import ignore
from varlen.errors import CorruptRecordError
from varlen.formats import read_conllu

SENTENCE = """\
# newdoc id = d1
# newpar
# sent_id = s1
# text = Don't go = stay
# a remark
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
2.1\tx\t_\t_\t_\t_\t_\t_\t_\t_
3\tgo\tgo\tVERB\tVB\tMood=Imp\t0\troot\t_\tSpaceAfter=No
"""


def read(tmp_path, content):
    path = tmp_path / "a.conllu"
    path.write_bytes(content.encode())
    return list(read_conllu([str(path)], ignore))


def test_words_are_steps_and_comments_context(tmp_path):
    [row] = read(tmp_path, SENTENCE + "\n")
    assert row.context == {
        "newdoc id": "d1",
        "newpar": 1,
        "sent_id": "s1",
        "text": "Don't go = stay",
    }
    assert row.sequences == {
        "form": ["Do", "n't", "go"],
        "lemma": ["do", "not", "go"],
        "upos": ["AUX", "PART", "VERB"],
        "xpos": ["VB", "RB", "VB"],
        "feats": ["_", "_", "Mood=Imp"],
        "head": [3, 3, 0],
        "deprel": ["aux", "advmod", "root"],
        "deps": ["_", "_", "_"],
        "misc": ["_", "_", "SpaceAfter=No"],
    }
    assert row.place.endswith("line 1")


@pytest.mark.parametrize("ends", ["", "\n", "\n\n\n"])
def test_sentences_end_with_an_empty_line_or_the_file(tmp_path, ends):
    rows = read(tmp_path, "\n" + SENTENCE + "\r\n\n" + SENTENCE + ends)
    assert [row.context["sent_id"] for row in rows] == ["s1", "s1"]
    assert [row.place.rpartition(" ")[2] for row in rows] == ["2", "14"]


def test_a_head_that_is_not_known_is_minus_one(tmp_path):
    [row] = read(tmp_path, "1\ta" + "\t_" * 8 + "\n")
    assert row.sequences["head"] == [-1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tx\t", "\t", r"expected 10 columns with tabs between, found 9\n.*line 9"),
        ("1\tDo\t", "1 Do\t", r"found 9\n.*line 7"),
        ("2\tn't", "4\tn't", r"expected word 2 of the sentence, found ID '4'\n.*line 8"),
        ("\t0\troot", "\t4\troot", r"expected a HEAD up to 3, found 4\n.*line 10"),
        (
            "\t0\troot",
            "\t-1\troot",
            r"expected the number of a word as HEAD, found '-1'\n.*line 10",
        ),
        ("\t0\troot", f"\t{'9' * 5000}\troot", "expected the number of a word"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, old, new, message):
    with pytest.raises(CorruptRecordError, match=message):
        read(tmp_path, SENTENCE.replace(old, new, 1))


def test_comments_without_words(tmp_path):
    with pytest.raises(CorruptRecordError, match=r"a word at least, found none\n.*line 1"):
        read(tmp_path, "# sent_id = s1\n\n" + SENTENCE)
