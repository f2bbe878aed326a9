"""`varlen predict`: what a trained model says about new sequences."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from varlen.cli._predict_lines import in_order, lines_of, ready_chunks, until_error
from varlen.cli._reading_options import ContextColumns, GroupBy, WordKeys
from varlen.errors import ConfigError, FeatureError, VarlenError

if TYPE_CHECKING:
    from varlen.train import Task

Asked = tuple[str, dict[str, Any], bool]
"""Where it came from, the example, and whether it came as JSON."""


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    sentences: Annotated[
        list[str] | None,
        typer.Argument(metavar="SENTENCE", help="Words with spaces between them."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Lines to read, of JSON or of words; or a file of records, CSV, CoNLL-U, "
            "Parquet, Arrow or .npz.",
        ),
    ] = None,
    group_by: GroupBy = None,
    context: ContextColumns = None,
    words: WordKeys = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines for sentences, too.")
    ] = False,
) -> None:
    """Predict sentences or JSON Lines, in their order, as they come.

    Without sentences or --file, the lines of the standard input are read. A line that begins with {
    is a JSON object with the features that the model was trained on, and comes back with the
    prediction under "predicted". Any other line is words with spaces between; a tagger prints them
    with their tags behind slashes. What a file of another format holds comes back as JSON Lines.
    """
    if sentences is not None and file is not None:
        raise ConfigError("expected sentences or --file, found both")
    from varlen.cli._predict_rows import plain_lines, reads_rows, row_chunks
    from varlen.cli._reading import Reading
    from varlen.train import RunFolder, load_task

    reading = Reading.of(None, group_by, context, words)
    if file is None or not reads_rows(file):
        reading.refuse("is for files of other formats than lines", at="command line")
    task = load_task(RunFolder.open(run))
    if sentences is not None:
        lines = [(f"sentence {number}", line) for number, line in enumerate(sentences, 1)]
        _print_all(task, iter([[_asked(task, *line) for line in lines]]), as_json=as_json)
    elif file is None:
        _print_lines(task, _standard_input(), "the standard input", as_json=as_json)
    elif reads_rows(file):
        _print_all(task, row_chunks(file, reading), as_json=True)
    else:
        _print_lines(task, plain_lines(file), str(file), as_json=as_json)


def _standard_input() -> Any:
    """The lines of the process, or of what stands in for them.

    They are read by a thread, and in `sys.stdin` it would be in the way of the interpreter's end.

    Raises:
        ConfigError: the process was started without a standard input.
    """
    if sys.stdin is None:
        raise ConfigError(
            "the standard input is closed", hint="give sentences, --file, or lines through a pipe"
        )
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except OSError:  # it is no file
        return getattr(sys.stdin, "buffer", sys.stdin)


def _print_lines(task: "Task", file: Iterable[bytes | str], name: str, *, as_json: bool) -> None:
    _print_all(task, _asked_lines(task, file, name), as_json=as_json)


def _asked_lines(task: "Task", file: Iterable[bytes | str], name: str) -> Iterator[list[Asked]]:
    errors: list[VarlenError] = []
    for lines in ready_chunks(lines_of(file, name)):
        asked = (_asked(task, f"{name}, line {number}", line) for number, line in lines)
        yield list(until_error(asked, errors))
        if errors:
            raise errors[0]


def _print_all(task: "Task", chunks: Iterator[list[Asked]], *, as_json: bool) -> None:
    for asked in chunks:
        for found, (_, example, is_json) in zip(_predicted(task, asked), asked, strict=True):
            print(_shown(task, example, found, as_json=as_json or is_json))
        sys.stdout.flush()


def _asked(task: "Task", place: str, line: str) -> Asked:
    if line.lstrip().startswith("{"):
        try:
            example = json.loads(line)
        except ValueError as error:
            raise FeatureError(f"expected JSON: {error}", at=place) from error
        return place, example, True
    try:
        stood_for = task.text_example(line)
    except FeatureError as error:
        raise FeatureError(error.problem, at=place, hint=error.hint) from error
    if stood_for is None:
        raise FeatureError(
            "expected a JSON object, since the model does not read words alone",
            at=place,
            hint=f"such as {task.example_hint}",
        )
    return place, stood_for, False


def _predicted(task: "Task", asked: list[Asked]) -> Iterator[dict[str, Any]]:
    return in_order(
        [example for _, example, _ in asked], [place for place, _, _ in asked], task.predict
    )


def _shown(
    task: "Task", example: Mapping[str, Any], found: Mapping[str, Any], *, as_json: bool
) -> str:
    if as_json:
        from varlen.formats import encode_json

        return encode_json({**example, "predicted": found})
    [words] = example.values()
    first = next(iter(found.values()))
    if isinstance(first, list):
        return " ".join(f"{word}/{tag}" for word, tag in zip(words, first, strict=True))
    return "\t".join(str(value) for value in found.values())
