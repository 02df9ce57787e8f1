"""Settings as TOML files."""

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from ganzoo.config.settings import RunConfig
from ganzoo.errors import ConfigError

LARGEST = 2**20
PARTS = 32
DEEP = re.compile(rf"(?:[\w\"'-]+[ \t]*\.[ \t]*){{{PARTS},}}")
"""A key of very many parts would take the parser hours."""


def to_plain(config: RunConfig) -> dict[str, Any]:
    """Nested plain values; what is None is left out, as TOML has no word for it."""

    def drop(table: Mapping[str, Any]) -> dict[str, Any]:
        return {k: drop(v) if isinstance(v, Mapping) else v for k, v in table.items() if v is not None}

    return drop(dataclasses.asdict(config))


def to_toml(config: RunConfig) -> str:
    """The text of a run's ``config.toml``."""
    return tomli_w.dumps(to_plain(config))


def read_toml(path: Path) -> dict[str, Any]:
    """The plain values in a TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        if not path.is_file():
            raise ConfigError(f"{path} cannot be read: {'not a file' if path.exists() else 'no such file'}.")
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{path} has {path.stat().st_size:,} bytes: settings have at most {LARGEST:,}.")
        text = path.read_text(encoding="utf-8")
        if DEEP.search(text):
            raise ConfigError(f"{path}: a key of more than {PARTS} parts is none of ganzoo's.")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply.") from error
    except ValueError as error:  # bytes that are not UTF-8 too, and numbers of too many digits
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
