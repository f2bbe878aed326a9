"""What is read from every message of a batch, and the form in which it arrives."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError, did_you_mean

from ._kinds import kind_name

Section = Literal["features", "context", "feature_lists"]
# Where the message of this number came from; None if there is nothing to tell it by.
Place = Callable[[int], str | None]

_WHAT = {
    "features": "feature",
    "context": "context feature",
    "feature_lists": "feature list",
}


class Request(NamedTuple):
    """One feature that is read from every message.

    Attributes:
        section: the features of an Example, or the context or feature lists of a SequenceExample.
        name: of the feature.
        kind: of its values.
        size: values that it has, or that every step of a list has; None for any number.
        required: its absence is an error.
        spec: the specification, for error messages.
    """

    section: Section
    name: str
    kind: np.dtype[Any]
    size: int | None
    required: bool
    spec: Any

    @property
    def is_list(self) -> bool:
        """Whether it is a list of steps."""
        return self.section == "feature_lists"


class Column(NamedTuple):
    """One feature of all messages.

    Attributes:
        values: those of all messages, one after the other; of a list that was asked for padded,
            `[messages, steps, size]`.
        lengths: `[messages]`, values of a feature or steps of a list; -1 where it is missing.
        step_lengths: `[steps of all messages]`, values of each step of a list of any size;
            otherwise empty.
    """

    values: npt.NDArray[Any]
    lengths: npt.NDArray[np.int64]
    step_lengths: npt.NDArray[np.int64]


def missing(request: Request, there: Iterable[str], place: str | None) -> FeatureError:
    """The error for a feature that is required and not there."""
    return FeatureError(
        f"no {_WHAT[request.section]} named {request.name!r}",
        at=place,
        hint=f"in this record {did_you_mean(request.name, there)}",
    )


def mismatch(
    request: Request, found: str, place: str | None, *, step: int | None = None
) -> FeatureError:
    """The error for a feature, or a step of a list, that is not what was specified."""
    count = "" if request.size is None else f"{request.size} "
    each = "" if step is None else " per step"
    problem = f"expected {count}{kind_name(request.kind)}{each}, found {found}"
    return bad_feature(request, problem, place, step=step)


def bad_feature(
    request: Request, problem: str, place: str | None, *, step: int | None = None
) -> FeatureError:
    """An error that names a feature's place and specification."""
    path = f"{request.section}.{request.name}" + ("" if step is None else f"[{step}]")
    return FeatureError(
        problem,
        at=path if place is None else f"{place}: {path}",
        hint=f"the spec is {request.spec}",
    )
