"""The works of `benchmarks/train.py` as scripts in PyTorch are written: DataLoader, pad_sequence,
pack_padded_sequence, and a loss that ignores padding.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from answer import Clock, print_answer
from pieces import NUM_NOTES, Sizes, pieces
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader
from words import FORM_SIZE, HIDDEN_FORMS, PART_SIZE, Tagging

PADDING = -100


class Recurrent(nn.Module):
    """An LSTM over padded sequences, packed, with dropout before and after."""

    def __init__(self, size: int, units: int, *, bidirectional: bool, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, units, batch_first=True, bidirectional=bidirectional)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(
            self.dropout(inputs), lengths, batch_first=True, enforce_sorted=False
        )
        outputs, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.dropout(outputs)


class Tagger(nn.Module):
    def __init__(self, sizes: list[int], num_tags: int) -> None:
        super().__init__()
        widths = [FORM_SIZE] + [PART_SIZE] * (len(sizes) - 1)
        self.embeddings = nn.ModuleList(map(nn.Embedding, sizes, widths))
        for embedding in self.embeddings:
            nn.init.normal_(embedding.weight, std=0.1)
        self.recurrent = Recurrent(sum(widths), 128, bidirectional=True, dropout=0.3)
        self.head = nn.Linear(256, num_tags)

    def forward(self, views: Tensor, lengths: Tensor) -> Tensor:
        columns = list(views.unbind(-1))
        if self.training:
            hidden = torch.rand(columns[0].shape) < HIDDEN_FORMS
            columns[0] = columns[0].masked_fill(hidden, 0)
        embedded = [e(column) for e, column in zip(self.embeddings, columns, strict=True)]
        return self.head(self.recurrent(torch.cat(embedded, dim=-1), lengths))


class Musician(nn.Module):
    def __init__(self, units: int, dropout: float) -> None:
        super().__init__()
        self.recurrent = Recurrent(NUM_NOTES, units, bidirectional=False, dropout=dropout)
        self.head = nn.Linear(units, NUM_NOTES)

    def forward(self, notes: Tensor, lengths: Tensor) -> Tensor:
        return self.head(self.recurrent(notes, lengths))


def collate(examples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    inputs, targets = zip(*examples, strict=True)
    lengths = torch.tensor([len(target) for target in targets])
    padding = PADDING if targets[0].dtype == torch.long else 0.0
    return (
        pad_sequence(inputs, batch_first=True),
        pad_sequence(targets, batch_first=True, padding_value=padding),
        lengths,
    )


def tag_loss(scores: Tensor, tags: Tensor, _: Tensor) -> Tensor:
    return F.cross_entropy(scores.flatten(0, 1), tags.flatten(), ignore_index=PADDING)


def tag_figure(scores: Tensor, tags: Tensor, _: Tensor) -> float:
    return float((scores.argmax(-1) == tags).sum())


def music_sum(scores: Tensor, notes: Tensor, lengths: Tensor) -> Tensor:
    live = torch.arange(scores.shape[1]) < lengths[:, None]
    losses = F.binary_cross_entropy_with_logits(scores, notes, reduction="none").sum(-1)
    return (losses * live).sum()


def music_loss(scores: Tensor, notes: Tensor, lengths: Tensor) -> Tensor:
    return music_sum(scores, notes, lengths) / lengths.sum()


def learn(model, loss_of, figure_of, train, valid, *, epochs, batch_size):
    """Trains, and gives the figure per live step of the validation split after each epoch."""
    loader = DataLoader(train, batch_size, shuffle=True, collate_fn=collate)
    judged = DataLoader(valid, batch_size, collate_fn=collate)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(
        optimizer, start_factor=1.0, end_factor=0.0, total_iters=epochs * len(loader)
    )
    clock, figures = Clock(), []
    for _ in range(epochs):
        clock.begin()
        model.train()
        for inputs, targets, lengths in loader:
            optimizer.zero_grad()
            loss_of(model(inputs, lengths), targets, lengths).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        clock.end()
        model.eval()
        with torch.inference_mode():
            found = [
                (figure_of(model(inputs, lengths), targets, lengths), int(lengths.sum()))
                for inputs, targets, lengths in judged
            ]
        figures.append(sum(x for x, _ in found) / sum(steps for _, steps in found))
    live = sum(len(targets) for _, targets in train)
    return clock.seconds, figures, live


def tag(path: Path, epochs: int):
    data = Tagging(path)
    train, valid = (
        [(torch.tensor(views), torch.tensor(tags)) for views, tags in split]
        for split in (data.train, data.valid)
    )
    model = Tagger(data.sizes, data.num_tags)
    return learn(model, tag_loss, tag_figure, train, valid, epochs=epochs, batch_size=32)


def music(path: Path, epochs: int, sizes: Sizes):
    splits = pieces(path)
    train, valid = (
        [tuple(map(torch.from_numpy, piece)) for piece in splits[split]]
        for split in ("train", "valid")
    )
    return learn(
        Musician(sizes.units, sizes.dropout),
        music_loss,
        lambda *found: float(music_sum(*found)),
        train,
        valid,
        epochs=epochs,
        batch_size=sizes.batch_size,
    )


if __name__ == "__main__":
    work, path, epochs, *sizes = sys.argv[1:]
    torch.manual_seed(0)
    if work == "tag":
        seconds, figures, live = tag(Path(path), int(epochs))
    else:
        seconds, figures, live = music(Path(path), int(epochs), Sizes.of(sizes))
    print_answer(version=f"torch {torch.__version__}", seconds=seconds, figures=figures, live=live)
