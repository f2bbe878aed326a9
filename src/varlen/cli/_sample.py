"""`varlen sample`: language that a trained model makes up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer


def sample(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder of a language model.")],
    prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="What samples begin with [default: nothing].")
    ] = "",
    num: Annotated[int, typer.Option(metavar="N", help="How many samples to draw.")] = 1,
    length: Annotated[
        int, typer.Option(metavar="N", help="The most characters, or words, to draw.")
    ] = 500,
    temperature: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Below 1, the likely becomes likelier; above 1, less so; 0 takes the likeliest.",
        ),
    ] = 1.0,
    top_k: Annotated[
        int | None,
        typer.Option(metavar="K", help="Draw among the K likeliest [default: among all]."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The same seed, the same samples [default: others each time]."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines, which can be trained on.")
    ] = False,
) -> None:
    """Print what a language model makes up.

    A sample ends where the model says so, or after --length. Of several, each has a heading.
    """
    from varlen.train import RunFolder, load_task
    from varlen.train.tasks import Language, SamplingSettings, draw_samples

    settings = SamplingSettings(num, length, temperature, top_k, seed)
    task = load_task(RunFolder.open(run, task=Language.name))
    assert isinstance(task, Language)
    begin = task.encoder.split(prompt)
    drawn = draw_samples(task, begin, settings)
    if num == 1 and not as_json:
        _print_one(task.encoder.separator, prompt, drawn)
        return
    samples = _rows(drawn, num)
    for number, tokens in enumerate(samples, 1):
        if as_json:
            whole = "".join([begin, *tokens]) if isinstance(begin, str) else [*begin, *tokens]
            print(json.dumps({task.feature: whole}, ensure_ascii=False))
        else:
            print(f"==> sample {number} <==")
            _print_one(task.encoder.separator, prompt, iter([[token] for token in tokens]))


def _print_one(separator: str, prompt: str, drawn: Iterator[list[Any]]) -> None:
    """As it comes."""
    print(prompt, end="", flush=True)
    begun = bool(prompt)
    for [token] in drawn:
        print(f"{separator if begun else ''}{token}", end="", flush=True)
        begun = True
    print()


def _rows(drawn: Iterator[list[Any]], num: int) -> list[list[Any]]:
    rows: list[list[Any]] = [[] for _ in range(num)]
    for tokens in drawn:
        for row, token in zip(rows, tokens, strict=True):
            if token is not None:
                row.append(token)
    return rows
