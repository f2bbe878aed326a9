"""`varlen train`: a subcommand per task."""

from pathlib import Path
from typing import Annotated

import typer

from varlen.cli._shared import Interrupted, examples, percent

train = typer.Typer(help="Train a model and leave it in a run folder.", rich_markup_mode=None)


@train.callback()
def _tasks() -> None:
    """Makes the task a word of its own even while there is one task."""


@train.command(
    epilog=examples(
        "varlen train tag data/corpus --run runs/tagger",
        "varlen train tag data/corpus --run runs/xpos --targets xpos --epochs 5 --units 200",
    )
)
def tag(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A folder with the splits train and valid."),
    ],
    run: Annotated[Path, typer.Option(metavar="RUN", help="The run folder to make.")],
    inputs: Annotated[
        str, typer.Option(metavar="NAME", help="The feature list of words.")
    ] = "words",
    targets: Annotated[
        str, typer.Option(metavar="NAME", help="The feature list of tags.")
    ] = "upos",
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over the training split.")] = 3,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Sentences per batch.")] = 32,
    units: Annotated[
        int, typer.Option(metavar="N", help="Width of the LSTM, in each direction.")
    ] = 128,
    learning_rate: Annotated[
        float, typer.Option(metavar="X", help="Of Adam, at the start; it falls to zero.")
    ] = 3e-3,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed, the same weights.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run folder that is there.")
    ] = False,
) -> None:
    """Train a tagger, which gives each word of a sentence a tag.

    It is a bidirectional LSTM over the words and their beginnings, endings and capitals. The run
    folder holds the weights of the epoch with the best accuracy on the split valid. Ctrl-C ends
    training and keeps what there is.
    """
    from varlen.cli._train_progress import TrainProgress
    from varlen.train import TaggingSettings, train_tagger

    settings = TaggingSettings(
        inputs=inputs,
        targets=targets,
        units=units,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
    )
    progress = TrainProgress()
    try:
        best = train_tagger(data, run, settings, observer=progress, overwrite=overwrite)
    except KeyboardInterrupt:
        raise Interrupted(progress.what_is_left(run)) from None
    finally:
        progress.close()
    print(
        f"best: epoch {best.epoch}, accuracy {percent(best.valid.accuracy)} on the split valid\n"
        f"left in {run}; go on with `varlen evaluate {run}`"
    )
