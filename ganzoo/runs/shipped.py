"""Weights that come with a plugin: ``zoo:NAME`` in the place of a path."""

import hashlib
from pathlib import Path

from ganzoo.errors import ChecksumError, RunError
from ganzoo.registry.registry import registry

SCHEME = "zoo:"


def is_shipped(source: str | Path) -> bool:
    """Whether it is ``zoo:NAME``, and not a path."""
    return str(source).startswith(SCHEME)


def located(source: str | Path) -> Path:
    """A path as it is; of ``zoo:NAME`` the file of those weights, after its hash was compared.

    Raises:
        UnknownNameError: no such weights.
        RunError: the plugin lacks its file.
        ChecksumError: the file is another one; it has not been opened.
    """
    if not is_shipped(source):
        return Path(source)
    name = str(source).removeprefix(SCHEME)
    spec = registry().weights.spec(name)
    path = Path(registry().weights.load(name)) / spec.file
    if not path.is_file():
        raise RunError(f"{source}: {path} is missing; install {registry().weights.provider(name)} again.")
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != spec.sha256:
        raise ChecksumError(f"{source}: {path} is another file: its SHA-256 is {found}, not {spec.sha256}.")
    return path
