"""`--config run.toml`: settings of a training in a file."""

import tomllib
from pathlib import Path
from typing import Any

from varlen.errors import ConfigError


def read_config(path: Path) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is not TOML, or has something outside of tables.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"expected TOML: {error}", at=str(path)) from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(
                f"expected tables of settings, found the key {name!r} outside of them",
                at=str(path),
                hint="put it into [model], [training], [data] or [task]",
            )
    return tables
