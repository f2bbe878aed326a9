from xml.etree import ElementTree

from pictures import COLUMNS, Screen, drawn


def shown(*outputs):
    screen = Screen()
    for output in outputs:
        screen.write(output)
    return screen.shown()


def test_a_screen_shows_what_is_left_when_bars_were_written_over():
    assert shown("one\r\ntwo\r\n") == ["one", "two"]
    assert shown("\r 10%|#  |", "\r 20%|## |", "\r          \r", "done\n") == ["done"]
    assert shown("first\n\nabc", "\x1b[A", "\rabove") == ["first", "above", "abc"]
    assert shown("a long line\r", "\x1b[K", "short") == ["short"]
    assert shown("\x1b[32mgreen\x1b[0m") == ["green"]
    assert shown("abcdef\rxy") == ["xycdef"]


def test_a_terminal_is_drawn_with_its_lines():
    lines = ["$ varlen train", "  50%|█████     | <a & b>"]
    root = ElementTree.fromstring(drawn(lines))
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert texts == lines


def test_lines_that_are_too_long_go_on_in_the_next():
    assert shown("a" * (COLUMNS + 2) + "\nb") == ["a" * COLUMNS, "aa", "b"]
