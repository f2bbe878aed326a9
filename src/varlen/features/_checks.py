"""Checks that all parsing functions make of their arguments."""

from collections.abc import Sequence
from typing import Any

from varlen.errors import FeatureError

from ._combined_specs import RaggedFeature, SparseFeature
from ._requests import Place
from ._specs import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature

ALL_SPECS = (FixedLenFeature, FixedLenSequenceFeature, RaggedFeature, SparseFeature, VarLenFeature)


def check_name(section: str, name: Any) -> None:
    """Checks that a feature's name is text.

    Raises:
        TypeError: it is something else.
        FeatureError: it is text that UTF-8 cannot hold.
    """
    if not isinstance(name, str):
        raise TypeError(f"{section}: expected names that are text, found {name!r}")
    encode_text(name, section)


def encode_text(text: str, place: str) -> bytes:
    """Text as UTF-8.

    Raises:
        FeatureError: half a surrogate pair, which UTF-8 cannot hold.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise FeatureError(
            f"expected text that UTF-8 can hold, found half a surrogate pair in {text!a}", at=place
        ) from error


def check_spec(argument: str, spec: Any, allowed: tuple[type, ...]) -> None:
    """Checks that a specification is one of those that belong there.

    Raises:
        TypeError: it is no specification.
        ValueError: it is one of another kind.
    """
    if isinstance(spec, allowed):
        return
    problem = f"{argument}: expected {' or '.join(a.__name__ for a in allowed)}, found {spec!r}"
    if isinstance(spec, ALL_SPECS):
        raise ValueError(problem)
    raise TypeError(problem)


def place_of(example_names: Sequence[str] | None, num_messages: int) -> Place:
    """Where a message of a batch came from: its name, or else its number.

    Raises:
        ValueError: there is not one name for each message.
    """
    if example_names is None:
        return lambda number: f"message {number}"
    if len(example_names) != num_messages:
        raise ValueError(
            f"example_names: expected one for each of {num_messages} messages, "
            f"found {len(example_names)}"
        )
    return lambda number: example_names[number]
