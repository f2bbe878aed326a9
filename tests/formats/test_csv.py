import gzip

import pytest

from formats.rows import features, ignore
from varlen.errors import CorruptRecordError, FeatureError
from varlen.formats import CsvLayout, read_csv


def read(tmp_path, *contents, **layout):
    paths = []
    for number, content in enumerate(contents):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(str(path))
    return list(read_csv(paths, ignore, CsvLayout(**layout)))


def test_each_line_is_a_row_and_cells_have_the_kind_of_their_column(tmp_path):
    content = 'id,n,x,s,l\na,1,0.5,007,"[1, 2]"\nb,-2,3,,[]\n'
    assert list(map(features, read(tmp_path, content))) == [
        {"id": "a", "n": 1, "x": 0.5, "s": "007", "l": [1, 2]},
        {"id": "b", "n": -2, "x": 3.0, "l": []},
    ]


def test_lists_are_sequences_and_empty_cells_are_missing(tmp_path):
    [row] = read(tmp_path, 'a,b,c\n"[[1, 2], []]",,x\n')
    assert row.sequences == {"a": [[1, 2], []]}
    assert row.context == {"c": "x"}


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-0", "999999999999999999"], int),
        (["1", "2."], float),
        (["1e5", "nan", "-inf", "+.5"], float),
        (["1", "x"], str),
        (["1", "01"], str),
        (["1", "12345678901234567890"], str),
        (["[sic]", "[1]"], str),
        (["1", "[1]"], str),
        (["1_0"], str),
        (["\u0661"], str),  # a digit, but none of ASCII
        (["true"], str),
    ],
)
def test_the_kind_of_a_column_is_that_of_all_its_cells(tmp_path, cells, kind):
    rows = read(tmp_path, "a\n" + "\n".join(cells) + "\n")
    assert [type(row.context["a"]) for row in rows] == [kind] * len(cells)


def test_a_later_file_can_make_text_of_a_column(tmp_path):
    rows = read(tmp_path, "a\n1\n", "b,a\n2,x\n")
    assert list(map(features, rows)) == [{"a": "1"}, {"b": 2, "a": "x"}]


def test_quotes_line_ends_and_a_byte_order_mark(tmp_path):
    content = '\ufeffa,b\r\n"x, ""y""\r\nz",1\r\n\r\nw,2\r\n'
    rows = read(tmp_path, content)
    assert list(map(features, rows)) == [{"a": 'x, "y"\r\nz', "b": 1}, {"a": "w", "b": 2}]
    assert [row.place.rpartition(" ")[2] for row in rows] == ["2", "5"]


def test_gzip(tmp_path):
    [row] = read(tmp_path, gzip.compress(b"a\n1\n"))
    assert features(row) == {"a": 1}


def test_cells_longer_than_the_csv_module_takes_by_itself(tmp_path):
    values = list(range(50_000))
    [row] = read(tmp_path, f'a\n"{values}"\n')
    assert row.sequences["a"] == values


def test_words_are_steps(tmp_path):
    rows = read(tmp_path, "w\tn\nB AW1  T\t1\n\t2\n", delimiter="\t", words=("w",))
    assert [row.sequences for row in rows] == [{"w": ["B", "AW1", "T"]}, {}]


def test_lines_with_the_same_key_are_steps_of_one_row(tmp_path):
    content = 'k,who,x,w,v\na,p,1,hi,[1]\na,p,2.5,,"[2, 3]"\nb,,3,yo,[]\na,q,4,x,[4]\n'
    rows = read(tmp_path, content, group_by="k", context=("who",))
    assert list(map(features, rows)) == [
        {"k": "a", "who": "p", "x": [1.0, 2.5], "w": ["hi", ""], "v": [[1], [2, 3]]},
        {"k": "b", "x": [3.0], "w": ["yo"], "v": [[]]},
        {"k": "a", "who": "q", "x": [4.0], "w": ["x"], "v": [[4]]},
    ]
    assert set(rows[0].context) == {"k", "who"}
    assert [row.place.rpartition(" ")[2] for row in rows] == ["2", "4", "5"]


def test_a_group_ends_with_its_file(tmp_path):
    rows = read(tmp_path, "k,x\n1,1\n", "k,x\n1,2\n", group_by="k")
    assert list(map(features, rows)) == [{"k": 1, "x": [1]}, {"k": 1, "x": [2]}]


@pytest.mark.parametrize(
    ("content", "layout", "message"),
    [
        ("", {}, "expected a header, found an empty file"),
        ("a,a\n1,2\n", {}, "a different name for each column, found .'a', 'a'"),
        ("a,\n1,2\n", {}, "a different name for each column"),
        ("a,b\n1,2\n1\n", {}, r"expected 2 cells, as in the header, found 1\n.*line 3"),
        ('a,b\n"x\ny",2\n1,2,3\n', {}, r"expected 2 cells.*found 3\n.*line 4"),
        ('a\n"x\n', {}, r"cannot be told apart: unexpected end of data\n.*line 2"),
        ('a\n"x"y\n', {}, "cannot be told apart"),
        ('a\n[1]\n"[1"\n', {}, r"expected a list in JSON notation as in .*line 2.*found .*\[1"),
        ("a\n[1]\nx\n", {}, r"found \"x\"\n  at .*line 3, column 'a'"),
        ("k,x\n", {"group_by": "key"}, "no column 'key'\n.*\n  there are: 'k', 'x'"),
        ("k,x\n", {"words": ("y",)}, "no column 'y'"),
        ("k,x\n1,2\n1,\n", {"group_by": "k"}, r"found an empty cell\n.*line 3, column 'x'"),
        (
            "k,c\n1,2\n1,3\n",
            {"group_by": "k", "context": ("c",)},
            r"expected '2' as in the first line of the group, .*line 2, found '3'\n.*line 3",
        ),
        (b"a\n\xff\n", {}, r"expected UTF-8, found byte 0xff at column 1\n.*line 2"),
    ],
)
def test_tables_that_cannot_be(tmp_path, content, layout, message):
    with pytest.raises((CorruptRecordError, FeatureError), match=message):
        read(tmp_path, content, **layout)


def test_quotes_that_are_letters_do_not_swallow_lines(tmp_path):
    content = 'w\tt\n"\tPUNCT\nhi\tINTJ\n"\tPUNCT\n'
    with pytest.raises(CorruptRecordError, match="goes over several lines and cells"):
        read(tmp_path, content, delimiter="\t")
    [row] = read(tmp_path, 'w\tt\n""""\tPUNCT\n', delimiter="\t")
    assert row.context["w"] == '"'
