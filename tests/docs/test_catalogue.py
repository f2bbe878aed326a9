"""The catalogue: every public cell has an entry with all its parts, and the parts are true."""

import re
from html.parser import HTMLParser

import pytest
import torch
from catalogue import __main__ as command
from catalogue.docstrings import parse
from catalogue.entries import Entry, entries, read_speeds
from catalogue.facts import facts, memory
from catalogue.formulas import LINEAR, QUADRATIC, formula
from catalogue.page import render
from catalogue.zoo import example, is_wrapper, public_cells

import varlen
from varlen import dynamic_rnn


@pytest.mark.parametrize("name", public_cells())
def test_every_public_cell_has_an_entry_with_all_its_parts(name):
    (entry,) = (entry for entry in entries() if entry.name == name)
    assert not entry.missing, f"{name} lacks {', '.join(entry.missing)}"
    assert all(math.startswith("<math") for math in entry.mathml)
    page = render((entry,), "a machine")
    drawn = () if entry.facts.memory is None else ("<svg",)
    for part in (*entry.mathml, *drawn, "When to choose it", "<dt>Weights", "<dt>Engine"):
        assert part in page
    assert f"{entry.facts.num_weights:,}" in page


def test_public_cells_are_those_of_the_package():
    assert {"LSTMCell", "GRUCell", "DropoutWrapper", "MultiRNNCell"} <= set(public_cells())
    assert "RecurrentCell" not in public_cells()
    assert "LSTMStateTuple" not in public_cells()
    wrappers = {name for name, cell in public_cells().items() if is_wrapper(cell)}
    assert {"DropoutWrapper", "MultiRNNCell"} <= wrappers
    assert not {"LSTMCell", "GRUBlockCellV2", "LSTMBlockFusedCell"} & wrappers


def test_an_example_that_cannot_be_made_is_told(monkeypatch):
    monkeypatch.setattr(varlen.cells, "GRUCell", lambda d, n: varlen.GRUCell(d))
    with pytest.raises(LookupError, match=r"docs/catalogue/zoo.py cannot make it: .*num_units"):
        example("GRUCell")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.targets, self.loads, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.targets += [found["href"]] if tag == "a" else []
        if tag in ("script", "link", "img", "iframe") or "src" in found:
            self.loads.append(tag)


def test_page_needs_nothing_else_and_its_links_lead_somewhere():
    text = render(entries(), "a machine")
    page = Page(text)
    assert not page.loads
    assert "url(" not in text
    assert len(set(page.ids)) == len(page.ids) == len(public_cells())
    for target in page.targets:
        assert target[1:] in page.ids or target.startswith("https://arxiv.org/abs/")
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert "<merror" not in text
    shown = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert "`" not in shown
    assert "$" not in shown


def test_marks_in_texts_are_shown_as_what_they_mean():
    doc = parse(r"A <cell> of $x_t$, `a * b`, *after* 2 * 3 (Somebody 2020, arXiv:2001.00001).")
    page = render((Entry("Bare", False, doc, None, None),), "a machine")
    assert "A &lt;cell&gt; of <math" in page
    assert "<msub><mi>x</mi><mi>t</mi></msub>" in page
    assert "<code>a * b</code>, <em>after</em> 2 * 3" in page
    assert '<a href="https://arxiv.org/abs/2001.00001">arXiv:2001.00001</a>' in page


DOCSTRING = r"""A cell (Somebody 2020, arXiv:2001.00001).

    It has `one` idea.

    Equations:
        $$h_t = \tanh(a_t)$$
        $$a_t = W x_t
          + b$$

    When to choose it: never, but
    for tests.

    Args:
        input_size: width: of the inputs.
        activation: a function
            or its name.

    Parameters: `kernel` `[n]`.

    Raises:
        ValueError: always.
    """


def test_a_docstring_is_taken_apart():
    doc = parse(DOCSTRING)
    assert doc.summary == "A cell (Somebody 2020, arXiv:2001.00001)."
    assert doc.paragraphs == ("It has `one` idea.",)
    assert doc.equations == (r"h_t = \tanh(a_t)", "a_t = W x_t + b")
    assert doc.choose == "never, but for tests."
    assert doc.arguments == (
        ("input_size", "width: of the inputs."),
        ("activation", "a function or its name."),
    )
    assert doc.parameters == "`kernel` `[n]`."
    assert doc.cites_a_paper
    told = parse("A cell.\n\nWith P the width, the parameters are `kernel` `[P]`.\n\nMore.")
    assert told.parameters == "With P the width, the parameters are `kernel` `[P]`."
    assert told.paragraphs == ("More.",)
    assert not told.cites_a_paper
    assert parse(None).summary == ""


def test_formulas_are_polynomials_or_none():
    assert formula(lambda d, n: 4 * n * n + 4 * d * n + 4 * n, QUADRATIC) == (
        "4<var>n</var>² + 4<var>d</var><var>n</var> + 4<var>n</var>"
    )
    assert formula(lambda d, n: d + n, LINEAR) == "<var>d</var> + <var>n</var>"
    assert formula(lambda d, n: 2 * n - 1, LINEAR) == "2<var>n</var> − 1"
    assert formula(lambda d, n: n // 2, LINEAR) == "<var>n</var>/2"
    assert formula(lambda d, n: 3 * n * n // 16, QUADRATIC) == "3<var>n</var>²/16"
    assert formula(lambda d, n: 7, LINEAR) == "7"
    assert formula(lambda d, n: 0, LINEAR) == "0"
    assert formula(lambda d, n: d**3, QUADRATIC) is None


def test_facts_are_those_of_the_cell():
    gru = facts("GRUCell")
    assert gru.num_weights == 3 * 256 * (128 + 256 + 1)
    assert gru.weights_formula == ("3<var>n</var>² + 3<var>d</var><var>n</var> + 3<var>n</var>")
    shapes = {parameter.name: parameter.shape for parameter in gru.parameters}
    assert shapes["gates.kernel"] == "<var>d</var> + <var>n</var>, 2<var>n</var>"
    assert set(shapes) == set(example("GRUCell").state_dict())
    assert (gru.feeds.both, gru.feeds.inputs) == (("reset", "update"), ("candidate",))
    assert facts("MultiplicativeLSTMCell").engine == "eager"
    if varlen._native.NATIVE:
        assert gru.engine == "native"
        assert "split" in facts("MultiplicativeLSTMCell").reason


def test_memory_is_the_norm_of_a_gradient_by_age():
    found = memory("BasicRNNCell", 5)
    torch.manual_seed(0)
    cell = example("BasicRNNCell", 16, 32)
    inputs = torch.randn(40, 16).unflatten(0, (8, 5)).requires_grad_()
    last = dynamic_rnn(cell, inputs)[0][:, -1]
    (gradient,) = torch.autograd.grad((last * torch.randn(8, 32)).sum(), inputs)
    norms = [gradient[:, 4 - age].norm().item() for age in range(5)]
    assert found == pytest.approx([norm / norms[0] for norm in norms], rel=1e-5)


def test_times_are_read_from_the_table():
    speeds = read_speeds("A machine, today.\n\nGRUCell      35.9 ms    1.313 x   native\n")
    assert list(speeds) == ["GRUCell"]
    assert (speeds["GRUCell"].milliseconds, speeds["GRUCell"].relative) == (35.9, 1.313)


def test_command_writes_the_page_and_tells_what_is_missing(tmp_path, monkeypatch, capsys):
    some = entries()[:2]
    monkeypatch.setattr(command.sys, "argv", ["catalogue", str(tmp_path / "docs")])
    monkeypatch.setattr(command, "entries", lambda: some)
    assert command.main() == 0
    assert (tmp_path / "docs" / "cells.html").read_text().count("<section") == 2
    bare = Entry("Bare", False, parse("A cell."), None, None)
    monkeypatch.setattr(command, "entries", lambda: (bare,))
    assert command.main() == 1
    told = capsys.readouterr().err
    assert "Bare lacks Equations: with $$...$$, When to choose it:" in told
    assert "an example in docs/catalogue/zoo.py" in told


def test_a_cell_has_the_names_that_a_training_knows_it_by():
    known = {entry.name: entry.short_names for entry in entries()}
    assert known["LSTMCell"] == ("lstm", "peephole_lstm")
    assert known["PhasedLSTMCell"] == ("phased_lstm",)
    assert known["ResidualWrapper"] == ()
    (lstm,) = (entry for entry in entries() if entry.name == "LSTMCell")
    assert "<code>--cell lstm</code> or <code>--cell peephole_lstm</code>" in render((lstm,), "")
