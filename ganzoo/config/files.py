"""Settings as TOML files."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from ganzoo.config.settings import RunConfig
from ganzoo.errors import ConfigError


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
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
