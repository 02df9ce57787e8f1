"""The loggers that a run asks for: checked before anything begins, attached while it trains."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ganzoo.config.settings import RunConfig
from ganzoo.errors import ConfigError, PluginError, UsageError, describe
from ganzoo.registry.registry import registry


def logger_names(config: RunConfig) -> list[str]:
    """The loggers that a run asks for, each once.

    Raises:
        ConfigError: text without a name in it.
    """
    found = [name.strip() for name in config.loggers.split(",") if name.strip()]
    if config.loggers and not found:
        raise ConfigError(f"loggers = {config.loggers!r} names no logger: 'ganzoo list loggers' shows all.")
    return list(dict.fromkeys(found))


def check_loggers(config: RunConfig) -> None:
    """Import every logger of a run, so that one that is missing is told before anything is read or written.

    Raises:
        UnknownNameError: no such logger.
        UsageError: a package that it needs is not installed.
        PluginError: it cannot be imported.
    """
    for name in logger_names(config):
        spec = registry().loggers.spec(name)
        if missing := [module for module in spec.modules if not is_there(module)]:
            raise UsageError(f"logger {name!r} needs {' and '.join(missing)}: pip install '{spec.install}'.")
        registry().loggers.load(name)


def is_there(module: str) -> bool:
    """Whether a module can be found; it is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a package that is not there, or a module that does not say where it is from
        return module in sys.modules


@contextmanager
def attached_loggers(config: RunConfig) -> Iterator[None]:
    """While this is open, the loggers of a run hear its lifecycle hooks. One that raises is not called again.

    Raises:
        PluginError: a logger cannot be made.
    """
    zoo, made = registry(), []
    try:
        for name in logger_names(config):
            try:
                logger = zoo.loggers.load(name)()
            except PluginError:
                raise
            except Exception as error:  # a logger may be a plugin's
                raise PluginError(f"logger {name!r} cannot be made: {describe(error)}") from error
            made.append(logger)
            zoo.attach(logger, name, may_fail=True)
        yield
    finally:
        for logger in made:
            zoo.detach(logger)
