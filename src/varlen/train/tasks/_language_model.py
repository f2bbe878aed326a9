"""A recurrent model of language, over streams that go on from batch to batch or whole sequences."""

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from varlen.losses import masked_linear_cross_entropy
from varlen.sequences import JaggedSequence
from varlen.train._network import RecurrentNetwork, States
from varlen.train._settings import Settings
from varlen.train.inputs import SymbolLayer

_MOST_STEPS = 16_384


class LanguageModel(nn.Module):
    """The embedding of a token, recurrent layers, and scores of the next token by a linear head.

    Args:
        num_tokens: how many numbers there are.
        settings: of the network.
    """

    def __init__(self, num_tokens: int, settings: Settings) -> None:
        super().__init__()
        self.embedding = SymbolLayer(num_tokens)
        self.network = RecurrentNetwork(self.embedding.size, settings.model)
        self.head = nn.Linear(self.network.size, num_tokens)

    def forward(
        self, tokens: JaggedSequence, states: States | None = None
    ) -> tuple[Float[Tensor, "steps features"], States]:
        """What the head takes, of all live steps, and the states after them."""
        return cast(
            tuple[Tensor, States],
            self.network(self.embedding(tokens.values), tokens.lengths, states),
        )

    def loss(self, features: Tensor, targets: Tensor, *, reduction: str = "sum") -> Tensor:
        """The cross-entropy of all steps, in nats: its sum, or with "none" that of each step."""
        losses = masked_linear_cross_entropy(
            features[None],
            self.head.weight,
            self.head.bias,
            targets[None],
            [len(targets)],
            reduction=reduction,  # type: ignore[arg-type]
        )
        return losses[0] if reduction == "none" else losses

    def step_losses(
        self, tokens: JaggedSequence, targets: Int[Tensor, " steps"]
    ) -> Float[Tensor, " steps"]:
        """The loss of each step of whole sequences, however long, in memory for some steps."""
        lengths = tokens.lengths
        starts = lengths.cumsum(0) - lengths
        size = max(1, _MOST_STEPS // max(1, len(lengths)))
        losses = torch.zeros(len(targets), device=targets.device)
        states: States | None = None
        for begin in range(0, int(lengths.max()) if len(lengths) else 0, size):
            part = (lengths - begin).clamp(0, size)
            index = _ranges(starts + begin, part)
            features, states = self(JaggedSequence(tokens.values[index], part), states)
            losses[index] = self.loss(features, targets[index], reduction="none").float()
        return losses


def repeated(states: States, num_rows: int) -> States:
    """The states of one row, for several."""
    return cast(
        States, tree_map(lambda leaf: leaf.expand(num_rows, *leaf.shape[1:]).contiguous(), states)
    )


def _ranges(starts: Tensor, sizes: Tensor) -> Tensor:
    """The numbers from each start on, as many as its size says, one after the other."""
    before = sizes.cumsum(0) - sizes
    total = int(sizes.sum())
    shift = torch.repeat_interleave(starts - before, sizes)
    return torch.arange(total, device=sizes.device) + shift
