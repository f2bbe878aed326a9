"""`--config run.toml`, or that of another run: settings of a training in a file."""

import json
import tomllib
from pathlib import Path
from typing import Any

from varlen.errors import ConfigError


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
