"""The rows of `benchmarks/published.py`: data, protocol, settings, and what others published.

A published figure is here only if it was read where it stands.
"""

from dataclasses import dataclass
from pathlib import Path

BUNDLED = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Row:
    """One of our results.

    Attributes:
        name: of the row.
        data: a heading: the data set and the protocol.
        path: of the data, beneath `data/` or beneath what `--data` names.
        task: of `varlen train`.
        config: the settings, as in a file for `--config`.
        metric: what is shown, on which split.
        split: which is evaluated.
        target: what it is to be.
        published: lines about results of others.
        seeds: how many are trained.
        options: more of the command line.
        is_bundled: whether the data is in the project.
    """

    name: str
    data: str
    path: str
    task: str
    config: str
    metric: str
    target: float
    published: tuple[str, ...]
    split: str = "test"
    seeds: int = 3
    options: tuple[str, ...] = ()
    is_bundled: bool = True

    @property
    def higher_is_better(self) -> bool:
        return self.metric == "accuracy"

    def show(self, value: float, *, unit: bool = True) -> str:
        if self.metric == "accuracy":
            return f"{100 * value:.2f}{' %' if unit else ''}"
        return f"{value:.3f}"


_BAI = "Bai, Kolter, Koltun 2018 (arXiv 1803.01271), Table 1"
_RRU = "all tuned the same way, other protocol (LUMII-Syslab/RRU, README)"
_MUSIC = "test NLL per step in nats, over whole pieces, first step not scored"

_JSB = (
    f"LSTM 8.45, GRU 8.43, RNN 8.91 with 300K parameters: {_BAI}",
    f"LSTM 8.33, GRU 8.20: {_RRU}",
)
_NOTTINGHAM = (
    f"LSTM 3.29, GRU 3.46, RNN 4.05 with 1M parameters: {_BAI}",
    f"LSTM 3.25, GRU 3.22: {_RRU}",
)
# More data needs less dropout than the chorales, by which the defaults were chosen.
_LIGHT = "dropout = 0.2\nrecurrent_dropout = 0.2\n"
# Long pieces: chunks of many give more steps of the optimizer than whole ones do.
_LONG = "batch_size = 16\nlearning_rate = 5e-3\nwarmup = 0.05\n[task]\nchunk = 50\n"


def _jsb(cell: str, units: int, target: float) -> Row:
    return Row(
        name=f"jsb-{cell}",
        data=f"JSB Chorales: {_MUSIC}",
        path="jsb_chorales/jsb_chorales.jsonl.gz",
        task="music",
        options=("--split-by", "split"),
        config=f'[model]\ncell = "{cell}"\nunits = {units}\n',
        metric="loss",
        target=target,
        published=_JSB,
    )


def _lstm(units: int, *, epochs: int) -> str:
    return f"[model]\nunits = {units}\n{_LIGHT}[training]\nepochs = {epochs}\n{_LONG}"


def _long_music(
    name: str,
    data: str,
    path: str,
    *,
    config: str,
    target: float,
    published: tuple[str, ...],
    is_bundled: bool = False,
) -> Row:
    return Row(
        name=name,
        data=f"{data}: {_MUSIC}",
        path=path,
        task="music",
        options=("--split-by", "split"),
        config=config,
        metric="loss",
        target=target,
        published=published,
        is_bundled=is_bundled,
    )


ROWS = (
    _jsb("lstm", 200, 8.36),
    _jsb("gru", 256, 8.36),
    _jsb("cifg", 230, 8.36),
    _jsb("peephole_lstm", 200, 8.36),
    _jsb("layer_norm_gru", 240, 8.36),
    _jsb("ugrnn", 280, 8.36),
    _long_music(
        "nottingham",
        "Nottingham",
        "nottingham.jsonl.gz",
        config=_lstm(400, epochs=40),
        target=3.25,
        published=_NOTTINGHAM,
    ),
    _long_music(
        "piano-midi",
        "Piano-midi.de",
        "piano_midi/piano_midi.jsonl.gz",
        # By the split for validation the best of twenty: coupled gates, the mean of weights.
        config=f'[model]\ncell = "cifg"\nunits = 300\n{_LIGHT}'
        "[training]\nepochs = 12\nbatch_size = 16\nlearning_rate = 1e-2\nwarmup = 0.05\n"
        "average = 0.998\n[task]\nchunk = 50\n",
        target=7.54,
        published=(f"LSTM 7.54, GRU 7.58: {_RRU}",),
        is_bundled=True,
    ),
    _long_music(
        "musedata",
        "MuseData",
        "musedata.jsonl.gz",
        config=_lstm(300, epochs=8),
        target=7.24,
        published=(f"LSTM 7.24, GRU 7.31: {_RRU}",),
    ),
    Row(
        name="ewt",
        data="UD English EWT 2.16: accuracy of UPOS on gold tokens, no pretrained vectors",
        path="ud_english_ewt/ud_english_ewt.jsonl.gz",
        task="tag",
        options=("--split-by", "split"),
        config="",
        metric="accuracy",
        target=0.943,
        published=(
            "none of this kind; Stanza 1.5.1 from raw text, with pretrained vectors and a "
            "character language model, on UD 2.12: 96.20 %",
        ),
    ),
    Row(
        name="vowels",
        data="Japanese Vowels: accuracy on the given test split",
        path="japanese_vowels/japanese_vowels.npz",
        task="classify",
        # Of 270 sequences, few can be spared for validation. By the loss of five-fold
        # cross-validation within the training split, cell, noise and dropout are the best of
        # sixteen, then epochs, batch size and average the best of eight.
        options=("--valid-share", "0.02"),
        config='[model]\ncell = "gru"\nnoise = 0.7\n'
        "[training]\nepochs = 60\nbatch_size = 16\naverage = 0.995\n",
        metric="accuracy",
        target=0.98,
        published=(
            "BiLSTM of the MathWorks tutorial, run again: 95.41 % (HelloWorld-1017's blog)",
            "signature kernel 98.6 %, global alignment kernel 98.1 % (tgcsaba/KSig, README)",
        ),
    ),
    Row(
        name="digits",
        data="Spoken digits (FSDD, MFCC): accuracy on the official test split",
        path="fsdd_mfcc/fsdd_mfcc.npz",
        task="classify",
        config="[training]\nepochs = 15\n",
        metric="accuracy",
        target=0.99,
        published=("none of recurrent networks on this split that we could read",),
    ),
    Row(
        name="shakespeare",
        data="Tiny Shakespeare: nats per character on the last tenth, which also chooses the "
        "best of the epochs, read as one text",
        path="tiny_shakespeare/input.txt.gz",
        task="lm",
        config="[training]\nepochs = 6\n",
        metric="loss",
        split="valid",
        target=1.6,
        published=(
            "transformer of 4 layers, 3 minutes on a CPU: 1.88; of 6 layers, 3 minutes on an A100: "
            "1.470 (karpathy/nanoGPT, README)",
        ),
    ),
)
