"""A linear-chain conditional random field: a loss that scores whole paths, and their decoding."""

from typing import Any

import torch
from jaxtyping import Float, Int, Integer, Shaped
from torch import Tensor, nn

from varlen.losses._chain import Chain
from varlen.losses._checks import check_classes, check_scores, check_targets, live_mask, precise
from varlen.losses._reductions import Reduction, check_reduction, reduce_rows


class LinearChainCRF(nn.Module):
    """Scores of classes in a row: each step's own, and those of the transitions between them.

    The score of a path `y` of n steps is

        start[y_0] + sum_t scores[t, y_t] + sum_t transitions[y_(t-1), y_t] + end[y_(n-1)]

    and its probability the softmax over all `classes ** n` paths. All parameters begin at 0,
    where steps are independent of each other. To forbid a transition, set it to a large negative
    number such as -1e4.

    Nothing is computed in the padding, and what stands there is not looked at.

    Source: Lafferty et al., "Conditional Random Fields", ICML 2001.

    Args:
        num_classes: how many there are.
        dtype: of the parameters.
        device: of the parameters.

    Attributes:
        transitions: `[from, to]`.
        start: `[classes]`, of a path's first class.
        end: `[classes]`, of a path's last class.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(
                f"LinearChainCRF: num_classes: expected at least 1, found {num_classes}"
            )
        self.num_classes = num_classes
        self.transitions = nn.Parameter(
            torch.zeros(num_classes, num_classes, dtype=dtype, device=device)
        )
        self.start = nn.Parameter(torch.zeros(num_classes, dtype=dtype, device=device))
        self.end = nn.Parameter(torch.zeros(num_classes, dtype=dtype, device=device))

    def forward(
        self,
        scores: Float[Tensor, "batch time classes"],
        targets: Integer[Tensor, "batch time"],
        lengths: Any,
        *,
        reduction: Reduction = "sequence",
        total: Any = None,
    ) -> Float[Tensor, "*reduced"]:
        """Minus the log-probability of the target paths.

        A row without steps has the loss 0 and does not count.

        Args:
            scores: of each class at each step, from a network.
            targets: classes, of any integer type.
            lengths: `[batch]`, a list, array or tensor of any integer type.
            reduction: "sequence": the mean over non-empty rows of each row's loss per step.
                "token": the loss per step of the batch. "sum"; "none": the loss of each row.
            total: as in `masked_cross_entropy`.

        Returns:
            A scalar, or `[batch]` for "none".

        Raises:
            TypeError: targets or lengths are not integers.
            ValueError: shapes that do not fit, an unknown reduction, a length out of range, or
                the target of a real step that is no class.
        """
        check_reduction(reduction, total)
        self._check(scores)
        check_targets(targets, scores)
        live = live_mask(scores, lengths)
        check_classes(targets, live, self.num_classes)
        chain = Chain.of(live)
        # In 16 bits, the sum over a long row would soon be too large to grow.
        exact = scores.to(precise(scores.dtype))
        losses = self._log_partition(chain, exact) - self._path_scores(chain, exact, targets)
        reduced = reduce_rows(losses, live.sum(1), reduction, total)
        return reduced.to(torch.promote_types(scores.dtype, self.start.dtype))

    @torch.no_grad()
    def decode(
        self, scores: Float[Tensor, "batch time classes"], lengths: Any
    ) -> tuple[Int[Tensor, "batch time"], Float[Tensor, " batch"]]:
        """The most probable path of each row, by Viterbi's algorithm, and its score.

        Of equally good classes, the lower one is taken.

        Args:
            scores: as in `forward`.
            lengths: as in `forward`.

        Returns:
            The paths, int64, 0 in the padding; and their scores, 0 for a row without steps.
        """
        self._check(scores)
        chain = Chain.of(live_mask(scores, lengths))
        steps = chain.steps(scores.to(precise(scores.dtype)))
        best, pointers, ended = self.start + steps[0], [], []
        for its_scores in steps[1:]:
            ended.append(best[len(its_scores) :])
            best, before = (best[: len(its_scores), :, None] + self.transitions).max(1)
            best = best + its_scores
            pointers.append(before)
        last = torch.cat([best, *reversed(ended)]) + self.end
        path_scores, last_classes = last.max(1)
        paths = _follow(last_classes, pointers, [len(s) for s in steps])
        dtype = torch.promote_types(scores.dtype, self.start.dtype)
        return chain.block(paths), chain.rows(path_scores).to(dtype)

    def marginals(
        self, scores: Float[Tensor, "batch time classes"], lengths: Any
    ) -> Float[Tensor, "batch time classes"]:
        """The probability of each class at each step, over all paths of its row.

        It is the gradient of the log-partition by the scores, which is what the forward-backward
        algorithm computes; no graph is made.

        Args:
            scores: as in `forward`.
            lengths: as in `forward`.

        Returns:
            Probabilities, which sum to 1 at each step; 0 in the padding.
        """
        self._check(scores)
        # Tensors of inference mode cannot be in a graph, so what is in this one are copies.
        with torch.inference_mode(False), torch.enable_grad():
            exact = scores.detach().to(precise(scores.dtype), copy=True).requires_grad_()
            chain = Chain.of(live_mask(exact, torch.as_tensor(lengths).clone()))
            [found] = torch.autograd.grad(self._log_partition(chain, exact).sum(), exact)
        return found.to(torch.promote_types(scores.dtype, self.start.dtype))

    def extra_repr(self) -> str:
        return f"{self.num_classes}"

    def _log_partition(self, chain: Chain, scores: Tensor) -> Float[Tensor, " batch"]:
        """The log of the sum over all paths, by the forward algorithm."""
        steps = chain.steps(scores)
        log_alpha, ended = self.start + steps[0], []
        for its_scores in steps[1:]:
            ended.append(log_alpha[len(its_scores) :])
            so_far = log_alpha[: len(its_scores), :, None] + self.transitions
            log_alpha = so_far.logsumexp(1) + its_scores
        last = torch.cat([log_alpha, *reversed(ended)]) + self.end
        return chain.rows(last.logsumexp(1))

    def _path_scores(
        self, chain: Chain, scores: Tensor, targets: Tensor
    ) -> Float[Tensor, " batch"]:
        steps = chain.steps(scores)
        classes = chain.steps(targets.long())
        total, ended = self.start[classes[0]] + _taken(steps[0], classes[0]), []
        for its_scores, before, its_classes in zip(steps[1:], classes, classes[1:], strict=False):
            n = len(its_scores)
            ended.append(total[n:] + self.end[before[n:]])
            moves = self.transitions[before[:n], its_classes]
            total = total[:n] + moves + _taken(its_scores, its_classes)
        return chain.rows(torch.cat([total + self.end[classes[-1]], *reversed(ended)]))

    def _check(self, scores: Tensor) -> None:
        check_scores(scores, argument="scores")
        if scores.shape[2] != self.num_classes:
            raise ValueError(
                f"LinearChainCRF: scores: expected {self.num_classes} classes, "
                f"found shape {tuple(scores.shape)}"
            )


def _taken(values: Shaped[Tensor, "rows classes"], classes: Tensor) -> Shaped[Tensor, " rows"]:
    return values.gather(1, classes[:, None])[:, 0]


def _follow(
    last: Int[Tensor, " rows"], pointers: list[Tensor], num_running: list[int]
) -> Int[Tensor, " steps"]:
    """The classes on the way back from the last ones, laid out as the steps of a chain are."""
    classes = last[: num_running[-1]]
    path = [classes]
    for before, num_rows in zip(reversed(pointers), reversed(num_running[:-1]), strict=True):
        classes = torch.cat([_taken(before, classes), last[len(classes) : num_rows]])
        path.append(classes)
    return torch.cat(path[::-1])
