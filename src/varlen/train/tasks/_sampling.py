"""Language that a model makes up, token by token."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from varlen.errors import ConfigError
from varlen.sequences import JaggedSequence
from varlen.train._setting import check_settings, setting
from varlen.train.tasks import _fit
from varlen.train.tasks._language import Language
from varlen.train.tasks._language_model import repeated


@dataclass(frozen=True)
class SamplingSettings:
    """How to draw.

    Raises:
        ConfigError: a value cannot be used.
    """

    num: int = setting(1, "How many samples to draw.", least=1, most=100_000)
    length: int = setting(500, "The most tokens to draw for each.", least=1, most=10**9)
    temperature: float = setting(
        1.0,
        "What scores are divided by: below 1 the likely becomes likelier; 0 takes the likeliest.",
        least=0,
        most=1e6,
    )
    top_k: int | None = setting(
        None, "Draw among so many of the likeliest tokens; among all, by default.", least=1
    )
    seed: int | None = setting(
        None,
        "The same seed, the same samples; others each time, by default.",
        least=0,
        most=2**63 - 1,
    )

    def __post_init__(self) -> None:
        check_settings(self)


def draw_samples(task: Language, prompt: Any, settings: SamplingSettings) -> Iterator[list[Any]]:
    """Draws samples side by side, and yields a token of each at a time.

    Args:
        task: with the weights to draw by.
        prompt: what samples begin with: a text, or a list of words or ids; it may be empty.
        settings: how to draw.

    Yields:
        `num` tokens, strings or ids, with None for samples that have ended. The last is when all
        have, or after `length`.

    Raises:
        FeatureError: the prompt is not what the model was trained on.
        ConfigError: nothing can be drawn, since the model knows no token.
    """
    encoder, device = task.encoder, _fit.device_of(task.model)
    if not len(encoder.vocabulary):
        raise ConfigError("the model knows no token that could be drawn")
    numbers = np.concatenate([[encoder.boundary], encoder.encode(prompt)])
    generator = torch.Generator(device)
    if settings.seed is None:
        generator.seed()
    else:
        generator.manual_seed(settings.seed)
    for drawn in _draw(task, torch.from_numpy(numbers).to(device), settings, generator):
        yield [
            None if number == encoder.boundary else encoder.decode([number])[0]
            for number in drawn.tolist()
        ]


def _draw(
    task: Language, prompt: Tensor, settings: SamplingSettings, generator: torch.Generator
) -> Iterator[Tensor]:
    """The numbers that are drawn, `[num]` at a time; after an end there are only ends."""
    model, boundary = task.model, task.encoder.boundary
    with _fit.judging(model):
        features, states = model(JaggedSequence(prompt, _lengths(prompt, 1, len(prompt))))
        features = features[-1:].expand(settings.num, -1)
        states = repeated(states, settings.num)
    ended = torch.zeros(settings.num, dtype=torch.bool, device=prompt.device)
    for _ in range(settings.length):
        # A generator must not leave the mode on while it waits.
        with _fit.judging(model):
            drawn = choose(model.head(features), settings, generator).masked_fill(ended, boundary)
            ended = ended | (drawn == boundary)
            if ended.all():
                return
            features, states = model(
                JaggedSequence(drawn, _lengths(prompt, settings.num, 1)), states
            )
        yield drawn


def choose(scores: Tensor, settings: SamplingSettings, generator: torch.Generator) -> Tensor:
    """A token for each row of scores `[rows, tokens]`; never the unknown."""
    scores = scores.float()
    scores[:, 0] = -torch.inf
    if settings.top_k is not None and settings.top_k < scores.shape[1]:
        least = scores.topk(settings.top_k, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < least, -torch.inf)
    if settings.temperature == 0:
        return scores.argmax(-1)
    # The largest becomes 0 first, or a small temperature would make it infinite.
    scores = (scores - scores.amax(-1, keepdim=True)) / settings.temperature
    return torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]


def _lengths(like: Tensor, rows: int, length: int) -> Tensor:
    return torch.full((rows,), length, device=like.device)
