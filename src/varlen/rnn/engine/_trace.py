"""A function of rows as a list of values: what `make_fx` sees of it, operation by operation."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

from varlen.rnn import _nest
from varlen.rnn.engine._values import CONDITIONS, Constant, Term, Values


class Untraceable(Exception):  # noqa: N818 - not an error: the eager engine does it then
    """The function does what a program cannot say; the message is the reason."""


def trace(
    function: Callable[..., Any], widths: Sequence[int], result_widths: Sequence[int]
) -> tuple[Values, list[Term]]:
    """Traces a function of rows, elementwise but for sums along them.

    Args:
        function: of tensors `[rows, width]`; it returns a list of such.
        widths: of the tensors that it takes.
        result_widths: of those that it has to return; there may be more.

    Returns:
        The values, of which the first are the inputs, and the results in order.

    Raises:
        Untraceable: with the reason.
    """
    # Tensors of their own, not one several times: the tracer takes the same one for the same input.
    examples = [torch.zeros(_ROWS, width) for width in widths]
    try:
        graph = make_fx(function, decomposition_table=_decompositions())(*examples)
    except Exception as error:
        # Anything can happen in a user's function; what it was is the reason that can be asked for.
        first_line = str(error).split("\n")[0]
        raise Untraceable(f"it cannot be traced: {type(error).__name__}: {first_line}") from error
    graph.graph.eliminate_dead_code()
    values = Values(len(widths))
    terms: dict[torch.fx.Node, Term] = {}
    results: list[Term] = []
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            terms[node] = len(terms)
        elif node.op == "get_attr":
            terms[node] = _constant(getattr(graph, node.target), node)
        elif node.op == "output":
            leaves = _nest.leaves(node.args[0])
            for leaf, width in zip(leaves, result_widths, strict=False):
                if _shape(leaf) != (_ROWS, width):
                    raise Untraceable(
                        f"it makes a result of shape {('rows', *_shape(leaf)[1:])}, where rows of "
                        f"{width} units are expected"
                    )
            results = [terms[leaf] for leaf in leaves]
        else:
            terms[node] = _translate(values, node, terms)
    return values, results


_ROWS = 2


def _shape(node: torch.fx.Node) -> tuple[int, ...]:
    return tuple(node.meta["val"].shape)


@cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    """What autograd makes of common functions, in terms of elementary ones."""
    aten = torch.ops.aten
    return get_decompositions(
        [
            aten.sigmoid_backward,
            aten.tanh_backward,
            aten.threshold_backward,
            aten.elu,
            aten.elu_backward,
            aten.leaky_relu,
            aten.leaky_relu_backward,
            aten.hardtanh,
            aten.hardtanh_backward,
            aten.silu,
            aten.silu_backward,
            aten.addcmul,
            aten.lerp,
            aten.softplus,
            aten.softplus_backward,
            aten.log_sigmoid_forward,
            aten.log_sigmoid_backward,
        ]
    )


def _constant(tensor: Tensor, node: torch.fx.Node) -> Constant:
    # What the function makes itself is lifted into the graph; what it finds may change later.
    is_made_here = all("lift_fresh" in str(user.target) for user in node.users)
    if tensor.numel() != 1 or not is_made_here:
        raise Untraceable("it uses a tensor that is neither a gate, nor state, nor in weights")
    return Constant(float(tensor))


def _translate(values: Values, node: torch.fx.Node, terms: dict[torch.fx.Node, Term]) -> Term:
    def term(argument: Any) -> Any:
        if isinstance(argument, torch.fx.Node):
            return terms[argument]
        return Constant(float(argument)) if isinstance(argument, bool | int | float) else argument

    name = getattr(node.target, "__name__", str(node.target)).split(".")[0].rstrip("_")
    if name not in _TRANSLATIONS:
        raise Untraceable(f"it uses {name}, for which programs have no operation")
    shape = _shape(node)
    if len(shape) not in (0, 2) or shape[:1] not in ((), (_ROWS,)):
        raise Untraceable(f"it uses {name} to another shape than that of its rows")
    args = [term(argument) for argument in node.args]
    kwargs = {key: term(argument) for key, argument in node.kwargs.items()}
    if name in _REDUCTIONS:
        return _reduce(values, args, kwargs, node, mean=name == "mean")
    if name in _RESHAPES:
        return _reshape(args, node)
    return _TRANSLATIONS[name](values, args, kwargs)


def _unary(operation: str, function: Callable[[Tensor], Tensor]) -> Any:
    def translate(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
        (a,) = args[:1]
        if isinstance(a, Constant):
            return Constant(float(function(torch.tensor(a.number, dtype=torch.float64))))
        return values.make(operation, a)

    return translate


def _sum(values: Values, args: list[Any], kwargs: dict[str, Any], *, negative: bool) -> Term:
    scaled = values.multiply(args[1], kwargs.get("alpha", Constant(1.0)))
    return values.subtract(args[0], scaled) if negative else values.add(args[0], scaled)


def _power(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
    a, exponent = args
    if exponent not in [Constant(n) for n in (1.0, 2.0, 3.0, 4.0)]:
        raise Untraceable("it uses a power other than 1 to 4")
    result: Term = a
    for _ in range(int(exponent.number) - 1):
        result = values.multiply(result, a)
    return result


def _clamp(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
    low = args[1] if len(args) > 1 else kwargs.get("min")
    high = args[2] if len(args) > 2 else kwargs.get("max")
    result = values.number(args[0])
    for operation, bound in (("maximum", low), ("minimum", high)):
        if isinstance(bound, int):
            raise Untraceable("it clamps to a tensor; programs clamp to numbers")
        if bound is not None:
            result = values.make(operation, result, constant=bound.number)
    return result


def _divide(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
    if kwargs.get("rounding_mode") is not None:
        raise Untraceable("it rounds what it divides, for which programs have no operation")
    return values.divide(*args)


def _and(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
    for term in args:
        if isinstance(term, Constant) or values[term].operation not in CONDITIONS:
            raise Untraceable("it uses numbers as conditions; programs use comparisons")
    return values.make("and", *sorted(args))


def _where(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
    return values.make("select", *(values.number(term) for term in args))


def _equal(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
    return _and(values, [values.compare(o, *args) for o in ("greater_equal", "less_equal")], {})


def _choice(values: Values, args: list[Any], operation: str) -> Term:
    """The larger or smaller of two; NaN if one of them is."""
    a, b = (values.number(term) for term in args)
    chosen = values.make("select", values.number(values.compare(operation, a, b)), a, b)
    is_number = values.make("less_equal", a, constant=math.inf)
    return values.make("select", is_number, chosen, a)


def _comparison(operation: str) -> Any:
    return lambda values, args, kwargs: values.compare(operation, *args)


def _reduce(
    values: Values, args: list[Any], kwargs: dict[str, Any], node: torch.fx.Node, *, mean: bool
) -> Term:
    """The sum or mean along each row, which has a value for all units alike."""
    (operand, axes, *rest) = [*args, None][: max(2, len(args))]
    keeps = kwargs.get("keepdim", rest[0] if rest else Constant(0.0))
    along_rows = isinstance(axes, list) and [axis % 2 for axis in axes] == [1]
    if not along_rows or keeps != Constant(1.0):
        raise Untraceable("it sums otherwise than along the units, with keepdim=True")
    width = _shape(node.args[0])[1]  # type: ignore[arg-type]
    if width == 1:
        return operand  # type: ignore[no-any-return]
    summed = values.make("row_sum", values.number(operand))
    return values.multiply(summed, Constant(1 / width)) if mean else summed


def _reshape(args: list[Any], node: torch.fx.Node) -> Term:
    """What keeps the numbers where they are, or writes a row's one number for each unit."""
    before, after = node.args[0].meta["val"], node.meta["val"]  # type: ignore[union-attr]
    one_per_row = before.ndim == 0 or before.shape[-1] == 1
    if before.dtype != after.dtype or not (before.shape == after.shape or one_per_row):
        raise Untraceable("it changes the shape or type of its rows")
    result: Term = args[0]
    return result


def _same(values: Values, args: list[Any], kwargs: dict[str, Any]) -> Term:
    result: Term = args[0]
    return result


_REDUCTIONS = ("sum", "mean")
_RESHAPES = ("view", "expand", "unsqueeze")

_TRANSLATIONS: dict[str, Callable[[Values, list[Any], dict[str, Any]], Term]] = {
    "add": lambda values, args, kwargs: _sum(values, args, kwargs, negative=False),
    "sub": lambda values, args, kwargs: _sum(values, args, kwargs, negative=True),
    "rsub": lambda values, args, kwargs: _sum(values, args[1::-1], kwargs, negative=True),
    "mul": lambda values, args, kwargs: values.multiply(*args),
    "div": _divide,
    "reciprocal": lambda values, args, kwargs: values.divide(Constant(1.0), args[0]),
    "neg": lambda values, args, kwargs: values.negate(args[0]),
    "square": lambda values, args, kwargs: values.multiply(args[0], args[0]),
    "pow": _power,
    "sigmoid": _unary("sigmoid", torch.sigmoid),
    "tanh": _unary("tanh", torch.tanh),
    "exp": _unary("exp", torch.exp),
    "expm1": _unary("expm1", torch.expm1),
    "log": _unary("log", torch.log),
    "log1p": _unary("log1p", torch.log1p),
    "rsqrt": _unary("inverse_root", torch.rsqrt),
    "relu": _unary("relu", torch.relu),
    "abs": _unary("abs", torch.abs),
    "sign": _unary("sign", torch.sign),
    "sgn": _unary("sign", torch.sign),
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": lambda values, args, kwargs: _clamp(values, [args[0], None, args[1]], kwargs),
    "gt": _comparison("greater"),
    "ge": _comparison("greater_equal"),
    "lt": _comparison("less"),
    "le": _comparison("less_equal"),
    "logical_and": _and,
    "bitwise_and": _and,
    "eq": _equal,
    "where": _where,
    "masked_fill": lambda values, args, kwargs: _where(values, [args[1], args[2], args[0]], kwargs),
    "maximum": lambda values, args, kwargs: _choice(values, args, "greater"),
    "minimum": lambda values, args, kwargs: _choice(values, args, "less"),
    "zeros_like": lambda values, args, kwargs: Constant(0.0),
    "ones_like": lambda values, args, kwargs: Constant(1.0),
    "full_like": lambda values, args, kwargs: args[1],
    "new_zeros": lambda values, args, kwargs: Constant(0.0),
    "zeros": lambda values, args, kwargs: Constant(0.0),
    "ones": lambda values, args, kwargs: Constant(1.0),
    "full": lambda values, args, kwargs: args[1],
    "scalar_tensor": lambda values, args, kwargs: args[0],
    "alias": _same,
    "clone": _same,
    "detach": _same,
    "lift_fresh_copy": _same,
    **dict.fromkeys((*_REDUCTIONS, *_RESHAPES), _same),
}
