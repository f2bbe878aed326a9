"""`varlen train`: a subcommand per task, and `--resume`. Loaded when it is called, with torch."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from varlen.cli._reading import Reading
from varlen.cli._reading_options import ContextColumns, GroupBy, SplitBy, WordKeys
from varlen.cli._shared import examples
from varlen.cli._train_config import read_config, take_reading
from varlen.cli._train_data import record_folder, source_places
from varlen.cli._train_ends import told
from varlen.cli._train_options import with_settings
from varlen.cli._train_progress import figure
from varlen.errors import ConfigError
from varlen.train import (
    TASKS,
    Metric,
    RunFolder,
    Standing,
    TaskKind,
    check_device,
    data_of,
    is_first_process,
    load_task,
    make_settings,
    resume,
    train,
)

_EXAMPLES = {
    "tag": (
        "varlen train tag data/corpus --run runs/tagger",
        "varlen train tag en_ewt-ud-*.conllu --run runs/xpos --target xpos --inputs form",
        "varlen train tag data/corpus --run runs/crf --loss crf",
    ),
    "classify": (
        "varlen train classify data/vowels.npz --run runs/vowels",
        "varlen train classify reviews.jsonl --run runs/r --cell gru --units 64 --valid-share 0.2",
    ),
    "lm": (
        "varlen train lm shakespeare.txt --run runs/shakespeare",
        "varlen train lm reviews.jsonl --run runs/words --target words --min-count 3",
    ),
    "forecast": (
        "varlen train forecast series.jsonl --run runs/f --horizon 24 --quantiles 0.05,0.5,0.95",
        "varlen train forecast load.csv --group-by house --target kwh --inputs temperature --run r",
    ),
    "regress": (
        "varlen train regress signals.jsonl --run runs/r --target age --inputs values",
        "varlen train regress reviews.csv --words text --target stars --run runs/stars",
    ),
    "music": (
        "varlen train music chorales.jsonl.gz --split-by split --run runs/chorales",
        "varlen train music data/rolls --run runs/rolls --cell gru --units 256 --dropout 0.4",
    ),
}

# Besides the settings.
_OWN_OPTIONS: dict[str, Any] = {
    "data": Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA...",
            help="A folder of record files; or files or a folder of JSON Lines, CSV, "
            "CoNLL-U, Parquet, .npz or text, whose names say train, valid or test.",
        ),
    ],
    "run": Annotated[Path, typer.Option(metavar="RUN", help="The run folder to make.")],
    "split_by": (SplitBy, None),
    "group_by": (GroupBy, None),
    "context": (ContextColumns, None),
    "words": (WordKeys, None),
    "config": (
        Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="TOML with tables model, training, data and task of these settings "
                "(split_by and its kin are of data), or the config.json of another run; the "
                "command line wins.",
            ),
        ],
        None,
    ),
    "dry_run": (
        Annotated[
            bool, typer.Option("--dry-run", help="Print model, data and plan; train nothing.")
        ],
        False,
    ),
    "overwrite": (
        Annotated[bool, typer.Option("--overwrite", help="Replace a run folder that is there.")],
        False,
    ),
}

_tasks = typer.Typer(rich_markup_mode=None, add_completion=False)
_going_on = typer.Typer(rich_markup_mode=None, add_completion=False)


def run_train(arguments: list[str]) -> Any:
    """Runs `varlen train` with these arguments."""
    if not arguments:
        raise ConfigError("expected a task or --resume", hint=f"tasks are: {', '.join(TASKS)}")
    is_resume = any(argument.split("=")[0] == "--resume" for argument in arguments)
    app = _going_on if is_resume else _tasks
    if is_resume and "--help" in arguments:  # which is no run folder
        arguments = ["--help"]
    return app(arguments, prog_name="varlen train", standalone_mode=False)


@_tasks.callback(
    epilog=examples(
        *(lines[0] for lines in _EXAMPLES.values()),
        "varlen train tag data/corpus --run runs/tagger --config run.toml --dry-run",
        "varlen train --resume runs/tagger",
        "torchrun --nproc-per-node=2 -m -- varlen train tag data/corpus --run runs/tagger",
    ),
)
def _train() -> None:
    """Train a model and leave it in a run folder.

    `varlen train --resume RUN` goes on with a training that was interrupted. `torchrun` starts
    several processes that learn together, a batch each per step.
    """


@_going_on.command(
    "train",
    epilog=examples(
        "varlen train --resume runs/tagger",
        "varlen train --resume runs/tagger --on-nonfinite skip",
    ),
)
def _resume(
    run: Annotated[Path, typer.Option("--resume", metavar="RUN", help="The run folder.")],
    on_nonfinite: Annotated[
        str | None,
        typer.Option(
            metavar="stop|skip",
            help="What to do from now on when a loss or gradient is not finite.",
        ),
    ] = None,
) -> None:
    """Go on with a training that was interrupted, from its last checkpoint."""
    with source_places(data_of(RunFolder.open(run))), told(run) as (ranks, observer):
        standing = resume(run, observer=observer, ranks=ranks, on_nonfinite=on_nonfinite)
    if ranks.is_first:
        _print_end(run, standing, load_task(RunFolder.open(run), weights=False).metrics[0])


def _learn(
    task: TaskKind,
    *,
    given: Mapping[str, Mapping[str, Any]],
    data: list[Path],
    run: Path,
    split_by: str | None,
    group_by: str | None,
    context: list[str] | None,
    words: list[str] | None,
    config: Path | None,
    dry_run: bool,
    overwrite: bool,
) -> None:
    stated = {} if config is None else read_config(config, task.name)
    of_reading = take_reading(stated, at=str(config))
    make_settings(task.name, stated, at=str(config))  # alone, so that what is wrong has its place
    settings = make_settings(task.name, stated, given, at=None)
    asked = {"split_by": split_by, "group_by": group_by, "context": context, "words": words}
    reading = Reading.of(**of_reading | {name: value for name, value in asked.items() if value})
    share = settings.data.valid_share
    if dry_run:
        if not is_first_process():
            return
        from varlen.cli._train_plan import print_plan

        check_device(settings)
        with record_folder(data, None, reading, valid_share=share) as folder:
            print_plan(task.name, folder, settings)
        return
    with told(run) as (ranks, observer), ExitStack() as stack:
        check_device(settings)
        with ranks.first_before_others():
            if ranks.is_first:
                RunFolder.check_free(run, overwrite=overwrite)
            records = record_folder(data, run / "data", reading, valid_share=share)
            folder = stack.enter_context(records)
        standing = train(
            task.name,
            folder,
            run,
            settings,
            observer=observer,
            overwrite=overwrite,
            ranks=ranks,
        )
    if ranks.is_first:
        _print_end(run, standing, task.metrics[0])


def _command(task: TaskKind) -> Any:
    command = with_settings(task, partial(_learn, task), **_OWN_OPTIONS)
    command.__doc__ = (
        f"{task.summary}\n\nThe run folder holds the weights of the best epoch by the split valid, "
        "and checkpoints. Ctrl-C saves one; `varlen train --resume RUN` goes on as if nothing had "
        "happened."
    )
    return command


def _print_end(run: Path, standing: Standing, metric: Metric) -> None:
    if standing.skipped:
        print(f"{standing.skipped:,} steps were skipped, since something was not finite")
    best = 0.0 if standing.best is None else standing.best
    print(
        f"best: epoch {standing.best_epoch}, {figure(metric, best)} on the split valid\n"
        f"left in {run}; go on with `varlen evaluate {run}`"
    )


for _task in TASKS.values():
    _tasks.command(_task.name, epilog=examples(*_EXAMPLES.get(_task.name, ())))(_command(_task))
