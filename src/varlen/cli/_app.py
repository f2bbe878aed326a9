"""The commands under one name, and how they end.

0; 1 where damage was looked for and found; one message and 2; or 130 for Ctrl-C.
"""

import gc
import io
import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

import varlen
from varlen.cli._compare import compare
from varlen.cli._convert import convert
from varlen.cli._evaluate import evaluate
from varlen.cli._index import index
from varlen.cli._inspect import inspect
from varlen.cli._plan import plan
from varlen.cli._predict import predict
from varlen.cli._repair import repair
from varlen.cli._report import report
from varlen.cli._sample import sample
from varlen.cli._shared import Interrupted, examples
from varlen.errors import VarlenError

_app = typer.Typer(
    name="varlen",
    help="Recurrent networks on sequences of unequal length, from text to a trained model.",
    epilog=examples(
        "varlen convert corpus.jsonl.gz data/corpus --split-by split",
        "varlen train tag data/corpus --run runs/tagger",
        "varlen evaluate runs/tagger",
        'varlen predict runs/tagger "The cat sat on the mat ."',
    ),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_app.command(
    epilog=examples(
        "varlen convert corpus.jsonl.gz data/corpus --split-by split --shards 4",
        "varlen convert en_ewt-ud-*.conllu data/ewt --max-records 10000",
        "varlen convert steps.csv data/sensors --group-by recording --context subject",
        "varlen convert 'data/corpus/train-*.tfrecord' train.parquet",
        "varlen convert data/corpus/*.tfrecord - | jq .words",
    )
)(convert)
_app.command(
    epilog=examples(
        "varlen inspect data/corpus/*.tfrecord",
        "varlen inspect --head 3 data/corpus/test-00000-of-00004.tfrecord",
        "varlen inspect --save-schema schema.json data/corpus/train-*.tfrecord",
        "varlen inspect --check --schema schema.json data/corpus/*.tfrecord",
    )
)(inspect)
_app.command(epilog=examples("varlen index --feature tokens data/corpus/*.tfrecord"))(index)
_app.command(
    epilog=examples(
        "varlen plan data/corpus/train-*.tfrecord --max-steps 4096",
        "varlen plan data/corpus/train-*.tfrecord --batch-size 64 --windows 50 --ranks 4",
        "varlen plan data/corpus/train-*.tfrecord --max-steps 4096 --probe --html plan.html",
    )
)(plan)
_app.command(epilog=examples("varlen repair damaged.tfrecord salvaged.tfrecord"))(repair)


@_app.command(
    "train",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    help="Train a model and leave it in a run folder.",
)
def _train(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> Any:
    # Its options are made of classes that need torch, which other commands do not wait for.
    from varlen.cli._train import run_train

    return run_train(arguments or [])


_app.command(
    epilog=examples(
        "varlen evaluate runs/tagger", "varlen evaluate runs/tagger --data data/other --split valid"
    )
)(evaluate)
_app.command(
    epilog=examples(
        "varlen report runs/tagger",
        "varlen report runs/tagger --split valid -o tagger.html",
    )
)(report)
_app.command(
    epilog=examples(
        "varlen compare runs/lstm runs/gru",
        "varlen compare runs/lstm runs/gru --split test --html compared.html",
    )
)(compare)
_app.command(
    epilog=examples(
        'varlen predict runs/tagger "The cat sat on the mat ."',
        "varlen predict runs/tagger < sentences.txt",
    )
)(predict)
_app.command(
    epilog=examples(
        "varlen sample runs/shakespeare --prompt 'ROMEO:' --temperature 0.8",
        "varlen sample runs/names --num 20 --top-k 10 --json",
    )
)(sample)


def _show_version(asked: bool) -> bool:
    if asked:
        print(f"varlen {varlen.__version__}")
        raise typer.Exit
    return asked


@_app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def run(arguments: list[str] | None) -> NoReturn:
    """Does what `varlen.cli.main` says."""
    # OpenMP reads this when torch loads it: how often a thread of torch looks for work before it
    # sleeps. By default it looks 300,000 times, which on cores shared with other programs made
    # training twenty times slower; never to look made it a quarter slower on idle ones.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "4000")
    if arguments is None:
        # Python looks for garbage after every 700 new objects, now and then among all that torch
        # has: a tenth of the time of short trainings. Ours is hardly ever in circles.
        gc.set_threshold(50_000, 20, 20)
    # Being told to end, or a terminal that is closed, is like Ctrl-C: what is half done is cleared
    # away, what is learned is kept.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, signal.default_int_handler)
    # One that is closed (`>&-`) gets nothing, rather than the next file that is opened.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        given = sys.argv[1:] if arguments is None else arguments
        status = _app(given or ["--help"], prog_name="varlen", standalone_mode=False) or 0
        sys.stdout.flush()
    except BrokenPipeError:
        status = _end_of_reader()
    except SystemExit as end:
        # Typer makes this of a closed pipe.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        status = _end_of_reader()
    except typer.TyperException as error:
        status = _fail(error.format_message() + _where_to_look(error))
    except VarlenError as error:
        status = _fail(str(error))
    except ImportError as error:  # an extra that is not installed; fsspec names it
        status = _fail(str(error))
    except OSError as error:
        path = f": {error.filename}" if error.filename else ""
        problem = error.strerror or f"{type(error).__name__}: {error}"
        status = _fail(f"{problem}{path}")
    except KeyboardInterrupt:  # where Typer does not see it
        print("\ninterrupted", file=sys.stderr)
        status = 130
    except Interrupted as interrupted:
        print(f"\n{interrupted}", file=sys.stderr)
        status = 130
    else:
        if status == 130:
            print("\ninterrupted", file=sys.stderr)
    if arguments is None:
        # What is there goes with the process. To look through it for garbage takes most of a second
        # once torch is loaded.
        gc.freeze()
    sys.exit(status)


def _end_of_reader() -> int:
    """Whoever read our output, as `head` does, has had enough.

    The interpreter flushes once more when it ends, and is not to complain.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


def _where_to_look(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"\n  see `{context.command_path} --help`" if context else ""
