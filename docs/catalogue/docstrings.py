"""What a cell's docstring says, taken apart."""

import re
from dataclasses import dataclass
from inspect import cleandoc

_SECTION = re.compile(r"^(Equations|Args|Parameters|Raises|When to choose it):[ \n]", re.MULTILINE)
_EQUATION = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_ARGUMENT = re.compile(r"^ {4}\*{0,2}(\w+):", re.MULTILINE)
_YEAR = re.compile(r"\((?:[^()]*\b)?(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Docstring:
    """The parts of a docstring; empty where there is none.

    Attributes:
        summary: the first sentence or two.
        paragraphs: what follows it, without the sections.
        equations: LaTeX, one per displayed line.
        choose: when to choose the cell.
        arguments: name and text.
        parameters: what is said of the trained parameters.
    """

    summary: str
    paragraphs: tuple[str, ...]
    equations: tuple[str, ...]
    choose: str
    arguments: tuple[tuple[str, str], ...]
    parameters: str

    @property
    def cites_a_paper(self) -> bool:
        return bool(_YEAR.search(" ".join([self.summary, *self.paragraphs, self.parameters])))


def parse(docstring: str | None) -> Docstring:
    text = cleandoc(docstring or "")
    paragraphs: list[str] = []
    sections: dict[str, str] = {}
    for block in re.split(r"\n\n(?=\S)", text):
        match = _SECTION.match(block)
        if match:
            sections[match[1]] = block[match.end() :]
        else:
            paragraphs.append(_flowing(block))
    parameters = _flowing(sections.get("Parameters", ""))
    if not parameters:
        told = [p for p in paragraphs[1:] if re.search(r"\b[Pp]arameters (are|is|have)\b", p)]
        parameters = " ".join(told)
        paragraphs = [p for p in paragraphs if p not in told]
    return Docstring(
        summary=paragraphs[0] if paragraphs else "",
        paragraphs=tuple(paragraphs[1:]),
        equations=tuple(_flowing(e) for e in _EQUATION.findall(sections.get("Equations", ""))),
        choose=_flowing(sections.get("When to choose it", "")),
        arguments=tuple(_arguments(sections.get("Args", ""))),
        parameters=parameters,
    )


def _arguments(text: str) -> list[tuple[str, str]]:
    pieces = _ARGUMENT.split("\n" + text if not text.startswith("\n") else text)
    return [(name, _flowing(told)) for name, told in zip(pieces[1::2], pieces[2::2], strict=True)]


def _flowing(text: str) -> str:
    return " ".join(text.split())
