"""The laws that every loss is held to, and `check_loss`, which applies them all."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError, gradcheck

from varlen.sequences import PaddedSequence
from varlen.testing._sequences import FILLS, LENGTHS, MakeRow, Row, live, padded_batch

Loss = Callable[..., Tensor]


def check_loss(
    loss: Loss,
    make_row: MakeRow,
    *,
    parameters: Sequence[Tensor] = (),
    reductions: Sequence[str] = ("sequence", "token", "sum", "none"),
    totals: bool = True,
    count_tokens: Callable[[Row], float] = lambda row: len(row[0]),
    seed: int = 0,
) -> None:
    """Holds a loss to the laws of variable length, in float64.

    Padding is invisible, whatever it holds; rows without steps have the loss 0, do not count and
    get no gradient; a batch's loss is made of those of its rows alone; the order of the batch is
    free; the losses of parts, given the total of all, add up to that of the whole, and so do
    gradients; gradients are true.

    Args:
        loss: called as `loss(*sequences, reduction=...)`, and with `total=...` too, where a
            sequence is a `PaddedSequence` of each tensor of a row.
        make_row: draws a row of so many steps; floating tensors in float64. Every row with steps
            has to count.
        parameters: what the loss learns besides.
        reductions: those that the loss has.
        totals: whether it takes `total`.
        count_tokens: how much a row counts in the reduction "token"; its steps, if not given.
        seed: of the draws.

    Raises:
        AssertionError: a law does not hold; the message names it.
    """
    torch.manual_seed(seed)
    for lengths in LENGTHS:
        rows = [make_row(n) for n in lengths]
        for reduction in reductions:
            held = _Held(loss, make_row, tuple(parameters), reduction)
            _check_padding(held, rows)
            _check_empty_rows(held, rows)
            _check_rows_alone(held, rows, count_tokens)
            _check_order(held, rows)
            if totals and reduction in ("sequence", "token"):
                _check_parts(held, rows, count_tokens)
    for reduction in reductions:
        held = _Held(loss, make_row, tuple(parameters), reduction)
        _check_gradients(held, [make_row(n) for n in (2, 0, 1)])


class _Held:
    """A loss with a reduction."""

    def __init__(
        self, loss: Loss, make_row: MakeRow, parameters: tuple[Tensor, ...], reduction: str
    ) -> None:
        self.loss, self.make_row, self.parameters = loss, make_row, parameters
        self.reduction = reduction

    def batch(
        self, rows: Sequence[Row], extra: int = 0, fill: tuple[float, int] = FILLS[0]
    ) -> list[PaddedSequence]:
        return padded_batch(self.make_row, rows, extra=extra, fill=fill)

    def __call__(self, sequences: Sequence[PaddedSequence], total: float | None = None) -> Tensor:
        given = {} if total is None else {"total": total}
        return self.loss(*sequences, reduction=self.reduction, **given)

    def of(self, rows: Sequence[Row], total: float | None = None) -> Tensor:
        return self(self.batch(rows), total).detach()

    def gradients(
        self, sequences: Sequence[PaddedSequence], total: float | None = None
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The loss, and its gradients by floating sequences and by parameters."""
        value = self(sequences, total)
        leaves = [s.data for s in sequences if s.data.is_floating_point()]
        found = torch.autograd.grad(
            (value * _weights(value)).sum(),
            (*leaves, *self.parameters),
            allow_unused=True,
            materialize_grads=True,
        )
        return value.detach(), list(found[: len(leaves)]), list(found[len(leaves) :])


def _check_padding(held: _Held, rows: Sequence[Row]) -> None:
    tight = _real_results(held, held.batch(rows))
    for fill in FILLS:
        loose = _real_results(held, held.batch(rows, extra=3, fill=fill))
        for actual, expected in zip(loose, tight, strict=True):
            _assert_equal(
                actual, expected, f"padding is invisible (padding {fill[0]} and {fill[1]})"
            )


def _real_results(held: _Held, sequences: Sequence[PaddedSequence]) -> list[Tensor]:
    """Loss and gradients but for those in the padding, which have to be 0."""
    value, by_sequence, by_parameter = held.gradients(sequences)
    if value.ndim == 2:
        mask = live(sequences[0])
        assert (value[~mask] == 0).all(), "unreduced losses are 0 in the padding"
        value = value[mask]
    masks = [live(s) for s in sequences if s.data.is_floating_point()]
    for gradient, mask in zip(by_sequence, masks, strict=True):
        assert (gradient[~mask] == 0).all(), "no gradient in padding"
    within = [gradient[mask] for gradient, mask in zip(by_sequence, masks, strict=True)]
    return [value, *within, *by_parameter]


def _check_empty_rows(held: _Held, rows: Sequence[Row]) -> None:
    empty = [held.make_row(0) for _ in rows]
    value, by_sequence, by_parameter = held.gradients(held.batch(empty, extra=2, fill=FILLS[-1]))
    for found in (value, *by_sequence, *by_parameter):
        assert (found == 0).all(), "rows without steps have no loss and no gradient"
    together = [row for pair in zip(rows, empty, strict=True) for row in pair]
    with_empty, alone = held.of(together), held.of(rows)
    expected = alone if held.reduction != "none" else torch.zeros_like(with_empty)
    if held.reduction == "none":
        expected[::2] = alone
    _assert_equal(with_empty, expected, "rows without steps do not count")


def _check_rows_alone(
    held: _Held, rows: Sequence[Row], count_tokens: Callable[[Row], float]
) -> None:
    whole = held.of(rows)
    alone = [held.of([row]) for row in rows]
    law = "a loss is made of those of its rows alone"
    if held.reduction == "none":
        for i, its_own in enumerate(alone):
            row = whole[i : i + 1, : len(rows[i][0])] if whole.ndim == 2 else whole[i : i + 1]
            _assert_equal(row, its_own, law)
        return
    shares = _shares(held.reduction, rows, count_tokens)
    total = whole.new_zeros(())
    for share, its_own in zip(shares, alone, strict=True):
        total = total + share * its_own
    divisor = 1 if held.reduction == "sum" else (sum(shares) or 1)
    _assert_equal(whole, total / divisor, law)


def _check_order(held: _Held, rows: Sequence[Row]) -> None:
    order = torch.randperm(len(rows)).tolist()
    whole = held.of(rows)
    expected = whole[order] if held.reduction == "none" else whole
    other = held.of([rows[i] for i in order])
    _assert_equal(other, expected, "the order of the batch is free")


def _check_parts(held: _Held, rows: Sequence[Row], count_tokens: Callable[[Row], float]) -> None:
    """Cut after its first row, a batch with its total gives what it gives as a whole."""
    total = sum(_shares(held.reduction, rows, count_tokens), 0.0)
    value, by_sequence, by_parameter = held.gradients(held.batch(rows))
    parts = [held.gradients(held.batch(part), total) for part in (rows[:1], rows[1:])]
    law = "parts of a batch, given the total, add up to the whole"
    _assert_equal(parts[0][0] + parts[1][0], value, law)
    for i, whole in enumerate(by_parameter):
        _assert_equal(parts[0][2][i] + parts[1][2][i], whole, law)
    for i, whole in enumerate(by_sequence):
        for part, its_rows in ((parts[0][1][i], whole[:1]), (parts[1][1][i], whole[1:])):
            _assert_equal(part, its_rows[:, : part.shape[1]], law)


def _check_gradients(held: _Held, rows: Sequence[Row]) -> None:
    sequences = held.batch(rows, extra=1)
    floating = [i for i, s in enumerate(sequences) if s.data.is_floating_point()]

    def value(*leaves: Tensor) -> Tensor:
        given = list(sequences)
        for i, leaf in zip(floating, leaves, strict=False):
            given[i] = given[i]._replace(data=leaf)
        return held(given)

    try:
        gradcheck(value, (*(sequences[i].data for i in floating), *held.parameters))
    except GradcheckError as error:
        raise AssertionError(f"gradients are true: {error}") from error


def _shares(
    reduction: str, rows: Sequence[Row], count_tokens: Callable[[Row], float]
) -> list[float]:
    """How much each row's own loss counts in that of the batch."""
    if reduction == "sum":
        return [1.0 for _ in rows]
    if reduction == "token":
        return [float(count_tokens(row)) if len(row[0]) else 0.0 for row in rows]
    return [1.0 if len(row[0]) else 0.0 for row in rows]


def _weights(value: Tensor) -> Tensor:
    """A weight of its own for each entry; the same for a row however much it is padded."""
    rows = torch.arange(1, len(value) + 1) if value.ndim else torch.ones(())
    steps = torch.arange(1, value.shape[1] + 1) if value.ndim == 2 else torch.ones(())
    return (rows[:, None] * steps if value.ndim == 2 else rows).to(value).sin()


def _assert_equal(actual: Tensor, expected: Tensor, law: str) -> None:
    torch.testing.assert_close(
        actual, expected, rtol=1e-11, atol=1e-12, msg=lambda difference: f"{law}: {difference}"
    )
