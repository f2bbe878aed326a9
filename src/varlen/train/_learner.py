"""Steps of the optimizer: gradients of sums of losses become steps by the mean of all of them."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from varlen.train._ranks import ALONE, Ranks
from varlen.train._settings import TrainingSettings


def learning_rate_at(progress: float, settings: TrainingSettings) -> float:
    """The learning rate where `progress`, from 0 to 1, of a training is done."""
    if progress < settings.warmup:
        return settings.learning_rate * progress / settings.warmup
    rest = (1 - progress) / (1 - settings.warmup)
    factor = {"constant": 1.0, "linear": rest, "cosine": (1 - math.cos(math.pi * rest)) / 2}
    return settings.learning_rate * factor[settings.schedule]


class Learner:
    """A model with its optimizer, and the moving average of its weights.

    The optimizer is AdamW. Of large tables of embeddings, whose gradients are sparse, a step moves
    only the rows that it sees (`torch.optim.SparseAdam`), and these do not decay.

    Args:
        model: whose parameters learn.
        settings: learning rate, clipping, decay and average.
        ranks: who else has a share of every step's gradient.

    Attributes:
        learning_rate: of the last step.
    """

    def __init__(
        self, model: nn.Module, settings: TrainingSettings, *, ranks: Ranks = ALONE
    ) -> None:
        self.learning_rate = 0.0
        self._model = model
        self._ranks = ranks
        self._settings = settings
        self._tables = [
            m.weight for m in model.modules() if isinstance(m, nn.Embedding) and m.sparse
        ]
        are_tables = {id(table) for table in self._tables}
        self._parameters = [
            p for p in model.parameters() if p.requires_grad and id(p) not in are_tables
        ]
        adam = torch.optim.AdamW(
            self._parameters,
            weight_decay=settings.weight_decay,
            fused=True,  # which reads and writes tables of embeddings once a step
        )
        self._optimizers: list[torch.optim.Optimizer] = [adam]
        if self._tables:
            self._optimizers.append(torch.optim.SparseAdam(self._tables))
        self._average: dict[str, Tensor] = {}
        if settings.average:
            self._average = {name: p.detach().clone() for name, p in model.named_parameters()}

    def step(self, total: int, *, progress: float, num_before: int) -> bool:
        """Takes a step with the gradients that are there, of a sum of losses, and clears them.

        Args:
            total: how many losses are in the sum, on all ranks. With 0 nothing changes.
            progress: how much of the training is done, from 0 to 1.
            num_before: how many steps came before.

        Returns:
            Whether the gradients were finite. If not, nothing has changed.
        """
        self._ranks.add_gradients(self._parameters)
        self._ranks.add_sparse_gradients(self._tables)
        is_finite = not total or self._scale(total)
        if total and is_finite:
            self.learning_rate = learning_rate_at(progress, self._settings)
            for optimizer in self._optimizers:
                optimizer.param_groups[0]["lr"] = self.learning_rate
                optimizer.step()
            self._follow(num_before)
        self.forget()
        return is_finite

    def forget(self) -> None:
        """Clears the gradients."""
        for parameter in [*self._parameters, *self._tables]:
            parameter.grad = None

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Puts the averages in the places of the weights, if there are any, for a while."""
        weights = {
            name: p.detach().clone()
            for name, p in self._model.named_parameters()
            if name in self._average
        }
        try:
            self._put(self._average)
            yield
        finally:
            self._put(weights)

    def state(self) -> dict[str, Tensor]:
        """All that a step depends on and changes, by name. They are not copies."""
        state = {f"model.{name}": value for name, value in self._model.state_dict().items()}
        state |= {f"average.{name}": value for name, value in self._average.items()}
        for kind, optimizer in enumerate(self._optimizers):
            for number, moments in optimizer.state_dict()["state"].items():
                for name, value in moments.items():
                    state[f"optimizer.{kind}.{number}.{name}"] = torch.as_tensor(value)
        return state

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Puts back what `state` gave.

        Raises:
            RuntimeError, KeyError: it is that of another model.
        """
        self._model.load_state_dict(_under("model", state))
        averages = _under("average", state)
        for name, value in self._average.items():
            value.copy_(averages[name])
        for kind, optimizer in enumerate(self._optimizers):
            moments: dict[int, dict[str, Tensor | int]] = {}
            for key, value in _under(f"optimizer.{kind}", state).items():
                number, name = key.split(".", 1)
                is_count = not value.is_floating_point()  # SparseAdam's steps
                moments.setdefault(int(number), {})[name] = int(value) if is_count else value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": moments, "param_groups": groups})

    @torch.no_grad()
    def _scale(self, total: int) -> bool:
        """Makes the gradients those of the mean, no longer than is allowed."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        for table in self._tables:
            if table.grad is not None:
                table.grad = table.grad.coalesce()
                gradients.append(table.grad.values())
        norm = float(nn.utils.get_total_norm(gradients)) / total
        if not math.isfinite(norm):
            return False
        clip = self._settings.clip
        shortened = 1.0 if clip is None else min(1.0, clip / (norm + 1e-6))
        torch._foreach_mul_(gradients, shortened / total)
        return True

    @torch.no_grad()
    def _follow(self, num_before: int) -> None:
        if not self._average:
            return
        # Early averages are short, or the random first weights would be in them for long.
        kept = min(self._settings.average, (1 + num_before) / (10 + num_before))
        for name, parameter in self._model.named_parameters():
            if name in self._average:
                self._average[name].lerp_(parameter, 1 - kept)

    @torch.no_grad()
    def _put(self, weights: Mapping[str, Tensor]) -> None:
        for name, parameter in self._model.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in state.items() if name.startswith(start)}
