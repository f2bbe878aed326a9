"""The entries as one page of HTML that needs nothing else."""

import re
from html import escape
from pathlib import Path

from latex2mathml.converter import convert

from catalogue.entries import Entry
from catalogue.facts import memory
from catalogue.pictures import feeds_diagram, memory_plot
from catalogue.zoo import INPUT_SIZE, UNITS, code

STYLE = Path(__file__).with_name("style.css")
TITLE = "Cells and wrappers"


def render(entries: tuple[Entry, ...], machine: str) -> str:
    """The whole page."""
    cells = [entry for entry in entries if not entry.is_wrapper]
    wrappers = [entry for entry in entries if entry.is_wrapper]
    body = "\n".join(
        [
            f"<header><h1>{TITLE}</h1>{_introduction(machine)}</header>",
            f"<nav>{_table(cells, 'Cells')}{_table(wrappers, 'Wrappers')}</nav>",
            "<main>",
            *(_entry(entry) for entry in entries),
            "</main>",
        ]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>varlen: {TITLE.lower()}</title><style>{STYLE.read_text()}</style></head>"
        f"<body>\n{body}\n</body></html>\n"
    )


def _introduction(machine: str) -> str:
    return f"""
<p>Every cell and wrapper of <code>varlen.cells</code>. The page is made by <code>make docs</code>
from their docstrings, from the classes themselves and from measured times, so it says what the code
does.</p>
<ul>
<li><b>Weights</b> are counted for inputs of width <var>d</var> and <var>n</var> units, and for
<var>d</var> = {INPUT_SIZE}, <var>n</var> = {UNITS}. A wrapper is around an
<code>LSTMCell</code>.</li>
<li><b>Engine</b>: <span class="native">native</span> cells run on the compiled time loop,
<span class="eager">eager</span> ones step by step in plain torch; the entry says why.</li>
<li><b>Speed</b> is that of a training step (forward and backward, 64 sequences of log-normal
lengths, one thread) relative to <code>LSTMCell</code> in the same run: 2× is twice as fast.
{escape(machine)}</li>
<li><b>Memory when fresh</b>: how much a step moves the output so many steps later, relative to the
last step, with initial weights and random inputs (gradient norms, 16 inputs, 32 units). The thin
line is <code>LSTMCell</code>. It says what a cell begins with, not what it can learn.</li>
</ul>"""


def _table(entries: list[Entry], title: str) -> str:
    rows = "".join(
        f'<tr><td><a href="#{entry.name}">{entry.name}</a></td>'
        f"<td class=number>{f'{entry.facts.num_weights:,}' if entry.facts else '—'}</td>"
        f"<td>{_engine(entry)}</td><td class=number>{_relative(entry)}</td>"
        f"<td class=choose>{_inline(entry.doc.choose)}</td></tr>"
        for entry in entries
    )
    return (
        f'<h2>{title}</h2><div class="wide"><table><thead><tr><th>name<th>weights<th>engine'
        f"<th>speed<th>when to choose it</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _entry(entry: Entry) -> str:
    doc = entry.doc
    equations = "".join(f'<div class="equation">{math}</div>' for math in entry.mathml)
    parts = [
        f'<h2><a href="#{entry.name}">{entry.name}</a></h2>',
        f"<p class=summary>{_inline(doc.summary)}</p>",
        *(f"<p>{_inline(paragraph)}</p>" for paragraph in doc.paragraphs),
        f'<div class="equations">{equations}</div>',
        _pictures(entry),
        f"<p><b>When to choose it:</b> {_inline(doc.choose)}</p>",
        f"<dl>{_facts(entry)}</dl>",
        f"<h3>Parameters</h3><p>{_inline(doc.parameters)}</p>",
        _parameters(entry),
        _arguments(entry),
    ]
    return f'<section id="{entry.name}">{"".join(parts)}</section>'


def _pictures(entry: Entry) -> str:
    figures = []
    if entry.facts is not None and entry.facts.feeds is not None:
        figures.append((feeds_diagram(entry.facts.feeds), "What feeds the gates"))
    lstm = memory("LSTMCell")
    if entry.facts is not None and entry.facts.memory is not None and lstm is not None:
        label = f"Influence of a step on the output of a fresh {entry.name}, by steps ago"
        figures.append((memory_plot(entry.facts.memory, lstm, label=label), "Memory when fresh"))
    return (
        '<div class="figures">'
        + "".join(
            f"<figure>{svg}<figcaption>{caption}</figcaption></figure>" for svg, caption in figures
        )
        + "</div>"
    )


def _facts(entry: Entry) -> str:
    facts = entry.facts
    if facts is None:
        return ""
    weights = f"{facts.num_weights:,} at {INPUT_SIZE} × {UNITS}"
    if facts.weights_formula:
        weights = f"{facts.weights_formula} = {weights}"
    told = [
        ("Weights", weights),
        ("Counted and timed", f"<code>{escape(code(entry.name))}</code>"),
        ("Engine", _engine(entry)),
    ]
    if entry.short_names:
        names = " or ".join(f"<code>--cell {name}</code>" for name in entry.short_names)
        told.insert(2, ("In <code>varlen train</code>", names))
    if facts.reason:
        told[-1] = ("Engine", f"{_engine(entry)}: {escape(facts.reason)}")
    if entry.speed is not None:
        told.append(("Speed", f"{_relative(entry)} that of <code>LSTMCell</code>"))
    return "".join(f"<dt>{name}<dd>{text}" for name, text in told)


def _parameters(entry: Entry) -> str:
    shapes = "".join(
        f"<li><code>{parameter.name}</code> [{parameter.shape}]"
        for parameter in (entry.facts.parameters if entry.facts else ())
    )
    return f'<ul class="shapes">{shapes}</ul>' if shapes else ""


def _arguments(entry: Entry) -> str:
    told = "".join(
        f"<dt><code>{name}</code><dd>{_inline(text)}" for name, text in entry.doc.arguments
    )
    if not told:  # those of another cell, which the parameters say
        return ""
    return f"<details><summary>Arguments</summary><dl class=arguments>{told}</dl></details>"


def _engine(entry: Entry) -> str:
    if entry.facts is None:
        return "—"
    engine = entry.facts.engine
    return f'<span class="{engine}">{engine}</span>'


def _relative(entry: Entry) -> str:
    if entry.speed is None:
        return "—"
    relative = entry.speed.relative
    return f"{relative:.2g}×" if relative < 10 else f"{relative:.0f}×"


_MARKS = re.compile(
    r"`+(?P<code>[^`]+)`+"
    r"|\$(?P<math>[^$]+)\$"
    r"|(?<![\w*])\*(?P<emphasis>\w[^*]*)\*(?!\w)"
    r"|arXiv:(?P<paper>\d{4}\.\d{4,5})"
)


def _inline(text: str) -> str:
    """A docstring's text: code between backticks, formulas, emphasis, and papers as links."""
    parts, end = [], 0
    for match in _MARKS.finditer(text):
        parts += [escape(text[end : match.start()], quote=False), _marked(match)]
        end = match.end()
    return "".join([*parts, escape(text[end:], quote=False)])


def _marked(match: re.Match[str]) -> str:
    kind = str(match.lastgroup)
    content = match[kind]
    if kind == "math":
        return str(convert(content))
    if kind == "paper":
        return f'<a href="https://arxiv.org/abs/{content}">arXiv:{content}</a>'
    tag = {"code": "code", "emphasis": "em"}[kind]
    return f"<{tag}>{escape(content, quote=False)}</{tag}>"
