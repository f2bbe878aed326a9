"""`--config run.toml`, or that of another run: settings of a training in a file."""

import json
import tomllib
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from varlen.cli._reading import Reading
from varlen.errors import ConfigError
from varlen.train import DataSettings


def read_config(path: Path, task: str) -> dict[str, Any]:
    """The tables of a TOML file, or of the `config.json` of a run folder.

    Args:
        path: the file.
        task: whose settings these are to be.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is neither, or of a run of another task.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return tomllib.loads(text)
        stored = json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise ConfigError(f"expected {kind}: {error}", at=str(path)) from error
    if not isinstance(stored, dict) or not isinstance(stored.get("settings"), dict):
        raise ConfigError("expected TOML, or the config.json of a run", at=str(path))
    if stored.get("task") != task:
        raise ConfigError(f"expected a run of {task}, found {stored.get('task')}", at=str(path))
    return dict(stored["settings"])


def take_reading(tables: dict[str, Any], *, at: str) -> dict[str, Any]:
    """What the table "data" says of reading files, which `Reading.of` takes; it is taken out.

    Raises:
        ConfigError: a value cannot be used, or a name is much like one of these.
    """
    table = tables.get("data")
    if not isinstance(table, dict):
        return {}
    names, settings = Reading._fields, {one.name for one in fields(DataSettings)}
    for name, value in table.items():
        if name in names:
            _check_reading(name, value, at=f"{at}: data")
        elif name not in settings and (close := get_close_matches(name, names, n=1)):
            raise ConfigError(
                f"no setting {name!r}", at=f"{at}: data", hint=f"did you mean {close[0]!r}?"
            )
    tables["data"] = {name: value for name, value in table.items() if name not in names}
    return {name: value for name, value in table.items() if name in names}


def _check_reading(name: str, value: Any, *, at: str) -> None:
    if name in ("split_by", "group_by"):
        is_right, expected = isinstance(value, str), "a string"
    else:
        is_right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        expected = "a list of strings"
    if not is_right:
        raise ConfigError(f"{name}: expected {expected}, found {value!r}", at=at)
