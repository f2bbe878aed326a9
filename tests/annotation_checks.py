"""Checks of all annotations of varlen while tests run, those with shapes and all others.

`jaxtyping` can check both, but binds all arguments of every call before it looks at them, which
took two thirds of the time of all tests. A scope for names of axes is needed only where there are
shapes; other annotations are checked by `beartype` alone.
"""

import functools
import inspect
import re
from typing import Any, get_args

import jaxtyping
from beartype import beartype
from jaxtyping import AbstractArray

_SHAPES = re.compile(r"\b(Float|Int|Bool|Num|Shaped)\[")


def check_annotations(package: str) -> None:
    """Before anything of the package is imported, so that every annotated function is checked."""
    jaxtyping.jaxtyped = _checked  # whose name is looked up for every function
    jaxtyping.install_import_hook(package, "beartype.beartype")


_jaxtyped = jaxtyping.jaxtyped


def _checked(found: Any = None, *, typechecker: Any) -> Any:
    if found is None:
        return functools.partial(_checked, typechecker=typechecker)
    if not inspect.isfunction(found) or any(map(_has_shape, found.__annotations__.values())):
        return _jaxtyped(found, typechecker=typechecker)
    checked = beartype(found)
    if checked is found:
        return found

    @functools.wraps(found)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        function = found if jaxtyping.config.jaxtyping_disable else checked
        return function(*args, **kwargs)

    return wrapped


def _has_shape(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return bool(_SHAPES.search(annotation))
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return True
    return any(map(_has_shape, get_args(annotation)))
