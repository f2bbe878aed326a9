"""How scores of labels become a loss and decisions: step by step, or by whole paths (a CRF)."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from varlen.losses import LinearChainCRF
from varlen.train.tasks import _fit


class TagHead(nn.Module, ABC):
    """The last part of a tagger."""

    @abstractmethod
    def losses(
        self,
        scores: Float[Tensor, "steps labels"],
        targets: Int[Tensor, " steps"],
        lengths: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """The sum of the losses of each row, in nats."""

    @abstractmethod
    def best(
        self, scores: Float[Tensor, "steps labels"], lengths: Int[Tensor, " batch"]
    ) -> Int[Tensor, " steps"]:
        """The label that is chosen for each step."""

    @abstractmethod
    def confidence(
        self,
        scores: Float[Tensor, "steps labels"],
        chosen: Int[Tensor, " steps"],
        lengths: Int[Tensor, " batch"],
    ) -> Float[Tensor, " steps"]:
        """The probability of a label at each step, whatever the labels of the others."""


class SoftmaxHead(TagHead):
    """Each step is decided for itself."""

    def losses(self, scores: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        return _fit.sum_rows(F.cross_entropy(scores, targets, reduction="none"), lengths)

    def best(self, scores: Tensor, lengths: Tensor) -> Tensor:
        return scores.argmax(-1)

    def confidence(self, scores: Tensor, chosen: Tensor, lengths: Tensor) -> Tensor:
        return scores.softmax(-1).gather(-1, chosen[:, None])[:, 0]


class CRFHead(TagHead):
    """Labels are decided together: the path of labels that is likeliest as a whole.

    Source: Lafferty et al., "Conditional Random Fields", ICML 2001.
    """

    def __init__(self, num_labels: int) -> None:
        super().__init__()
        self.crf = LinearChainCRF(num_labels)

    def losses(self, scores: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        blocks = _fit.block_of(scores, lengths), _fit.block_of(targets, lengths)
        losses: Tensor = self.crf(*blocks, lengths, reduction="none")
        return losses

    def best(self, scores: Tensor, lengths: Tensor) -> Tensor:
        paths, _ = self.crf.decode(_fit.block_of(scores, lengths), lengths)
        return paths[_live(paths, lengths)]

    def confidence(self, scores: Tensor, chosen: Tensor, lengths: Tensor) -> Tensor:
        marginals = self.crf.marginals(_fit.block_of(scores, lengths), lengths)
        return marginals[_live(marginals, lengths)].gather(-1, chosen[:, None])[:, 0]


TAG_HEADS: dict[str, Callable[[int], TagHead]] = {
    "softmax": lambda _: SoftmaxHead(),
    "crf": CRFHead,
}
"""What makes a head of a number of labels, by the name of its loss."""


def _live(block: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(block.shape[1], device=lengths.device) < lengths[:, None]
