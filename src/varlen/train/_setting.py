"""One choice of a user: a field of a frozen dataclass that knows its help and its bounds."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from varlen.errors import ConfigError, did_you_mean


def setting(
    default: Any,
    help_text: str,
    *,
    least: int | float | None = None,
    most: int | float | None = None,
    above: int | float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a settings class.

    Args:
        default: unless a task, a file or the command line says otherwise.
        help_text: a sentence.
        least: the smallest number that is allowed.
        most: the largest number that is allowed.
        above: what a number has to be larger than.
        choices: the strings that are allowed, if not all are.
    """
    bounds = {"least": least, "most": most, "above": above, "choices": choices}
    return field(default=default, metadata={"help": help_text, **bounds})


def check_settings(settings: Any) -> None:
    """Refuses values that are of another type than their field, or out of its bounds.

    Raises:
        ConfigError: the first that is.
    """
    types = setting_types(type(settings))
    for one in fields(settings):
        _check(one, types[one.name], getattr(settings, one.name))


def setting_types(owner: type) -> dict[str, Any]:
    """The type of each field."""
    return get_type_hints(owner)


def made_of(owner: type, values: Mapping[str, Any], *, at: str | None) -> Any:
    """Settings of a class, with these values in place of the defaults.

    Raises:
        ConfigError: a name that is none of its fields, or a value that cannot be.
    """
    known = names_of(owner)
    for name in values:
        if name not in known:
            raise ConfigError(f"no setting {name!r}", at=at, hint=did_you_mean(name, known))
    # TOML and JSON have lists where there are tuples here, and integers where there may be floats.
    types = setting_types(owner)
    try:
        return owner(**{name: _converted(types[name], value) for name, value in values.items()})
    except ConfigError as error:
        raise ConfigError(error.problem, at=at, hint=error.hint) from error


def names_of(owner: type) -> set[str]:
    """The settings of a class."""
    return {one.name for one in fields(owner)}


def default_of(one: Field[Any]) -> Any:
    """What a field is where nothing is said."""
    return None if one.default is MISSING else one.default


def _converted(type_: Any, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, int) and not isinstance(value, bool) and float in _members(type_):
        return float(value)
    return value


def _check(one: Field[Any], type_: Any, value: Any) -> None:
    if value is None and NoneType in _members(type_):
        return
    expected = [member for member in _members(type_) if member is not NoneType]
    if not any(_is_a(value, member) for member in expected):
        raise ConfigError(f"{one.name}: expected {_described(expected[0])}, found {value!r}")
    least, most, above = (one.metadata.get(name) for name in ("least", "most", "above"))
    if isinstance(value, int | float) and not isinstance(value, bool):
        is_below = (least is not None and not value >= least) or (
            above is not None and not value > above
        )
        if is_below or (most is not None and not value <= most):
            low = f"at least {least}" if above is None else f"a number above {above}"
            high = "" if most is None else f" and at most {most}"
            raise ConfigError(f"{one.name}: expected {low}{high}, found {value}")
    choices = one.metadata.get("choices")
    if choices and value not in choices:
        raise ConfigError(f"{one.name}: no {value!r}", hint=did_you_mean(str(value), choices))


def _members(type_: Any) -> tuple[Any, ...]:
    return get_args(type_) if isinstance(type_, UnionType) else (type_,)


def _is_a(value: Any, type_: Any) -> bool:
    if get_origin(type_) is tuple:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if type_ is not bool and isinstance(value, bool):
        return False
    return isinstance(value, type_)


def _described(type_: Any) -> str:
    if get_origin(type_) is tuple:
        return "a list of strings"
    return {int: "an integer", float: "a number", bool: "true or false", str: "a string"}[type_]
