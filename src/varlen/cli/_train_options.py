"""Options of `varlen train TASK`, made of the settings classes, which alone state a setting."""

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin

import typer

from varlen.train._setting import setting_types
from varlen.train._settings import DataSettings, ModelSettings, TrainingSettings
from varlen.train.tasks import TaskKind

_TABLES: dict[str, type] = {
    "model": ModelSettings,
    "training": TrainingSettings,
    "data": DataSettings,
}
_METAVARS = {int: "N", float: "X", str: "NAME"}


def with_settings(
    task: TaskKind, command: Callable[..., None], **fixed: Any
) -> Callable[..., None]:
    """A command with an option for each setting of a task.

    Args:
        task: the task.
        command: called with `given`, tables of the settings that the user gave, and with the
            values of the fixed parameters.
        **fixed: by name, the annotation of a parameter, or `(annotation, default)`.
    """
    owners = _TABLES | {"task": task.Options}
    places = {one.name: table for table, owner in owners.items() for one in fields(owner)}

    def run(**values: Any) -> None:
        given: dict[str, dict[str, Any]] = {table: {} for table in owners}
        for name, table in places.items():
            value = values.pop(name)
            if value is not None and value != []:
                given[table][name] = tuple(value) if isinstance(value, list) else value
        command(given=given, **values)

    parameters = [
        *(_fixed(name, found) for name, found in fixed.items()),
        *(
            _option(
                one,
                setting_types(owner)[one.name],
                _default(task, table, one),
                hidden=one.name in task.without.get(table, {}),
            )
            for table, owner in owners.items()
            for one in fields(owner)
        ),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = task.name
    return run


def _fixed(name: str, found: Any) -> inspect.Parameter:
    annotation, default = found if isinstance(found, tuple) else (found, inspect.Parameter.empty)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _option(one: Field[Any], type_: Any, default: Any, *, hidden: bool) -> inspect.Parameter:
    """An option whose default is None, for not given: a file may say what it is.

    One that the task has no use for is hidden, and there to be refused with the reason.
    """
    members = get_args(type_) if isinstance(type_, UnionType) else (type_,)
    kind = next(member for member in members if member is not NoneType)
    flag = f"--{one.name.replace('_', '-')}"
    shown = "" if default in (None, ()) else f" [default: {_shown(default)}]"
    help_text = f"{one.metadata['help']}{shown}"
    if kind is bool:
        option = typer.Option(
            f"{flag}/--no-{flag[2:]}", help=help_text, show_default=False, hidden=hidden
        )
        return _parameter(one.name, Annotated[bool | None, option])
    if get_origin(kind) is tuple:
        option = typer.Option(
            flag, metavar="NAME", help=f"{help_text} May be repeated.", hidden=hidden
        )
        return _parameter(one.name, Annotated[list[str] | None, option])
    choices = one.metadata.get("choices")
    metavar = "|".join(choices) if choices else _METAVARS[kind]
    option = typer.Option(flag, metavar=metavar, help=help_text, show_default=False, hidden=hidden)
    return _parameter(one.name, Annotated[kind | None, option])


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=None
    )


def _default(task: TaskKind, table: str, one: Field[Any]) -> Any:
    return task.defaults.get(table, {}).get(one.name, one.default)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return str(default)
