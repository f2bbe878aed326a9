"""Checks of all annotations of varlen while tests run, those with shapes and all others.

`jaxtyping` can check both, but binds all arguments of every call before it looks at them, which
took half of the time of the laws of cells. A scope for names of axes is needed only where there are
shapes; other annotations are checked by `beartype` alone.
"""

import functools
import inspect
from typing import Any, ForwardRef, get_args

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, TypeCheckError


def check_annotations(package: str) -> None:
    """Before anything of the package is imported, so that every annotated function is checked."""
    jaxtyping.jaxtyped = _checked  # whose name is looked up for every function
    jaxtyping.install_import_hook(package, "beartype.beartype")


_jaxtyped = jaxtyping.jaxtyped
_without_shapes = beartype(conf=BeartypeConf(violation_type=TypeCheckError))


def _checked(found: Any = None, *, typechecker: Any) -> Any:
    if found is None:
        return functools.partial(_checked, typechecker=typechecker)
    if not inspect.isfunction(found) or any(map(_needs_more, found.__annotations__.values())):
        return _jaxtyped(found, typechecker=typechecker)
    checked = _without_shapes(found)
    if checked is found:
        return found

    @functools.wraps(found)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        function = found if jaxtyping.config.jaxtyping_disable else checked
        return function(*args, **kwargs)

    return wrapped


def _needs_more(annotation: Any) -> bool:
    """Whether there is a shape in it, or text, which may name what is there for types alone."""
    if isinstance(annotation, str | ForwardRef):
        return True
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return True
    return any(map(_needs_more, get_args(annotation)))
