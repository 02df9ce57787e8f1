"""Writing files so that they are whole or not there, and reading JSON and hashes. Standard library only."""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError

UMASK = os.umask(0)
os.umask(UMASK)  # the only way to read it is to set it


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write(temporary path)``, sync, and rename to ``path``, so that ``path`` is never half a file.

    Raises:
        RunError: it could not be written; what stood at ``path`` before still stands, and nothing else is left behind.
    """
    # Two machines that share the folder may have processes of one number.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        write(temporary)
        # safetensors makes files for their owner alone; runs are shared, so the user's umask decides.
        temporary.chmod(0o666 & ~UMASK)
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:  # an interrupt, too, must not leave half a file
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RunError(f"{path} could not be written: {error.strerror or error}. Free some space.") from error
        raise


def replace_text(path: Path, text: str) -> None:
    """:func:`replace_file` with a text."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> dict[str, Any]:
    """The table in a JSON file.

    Raises:
        ValueError: it is not JSON, or holds something else than a table; the text says what.
        OSError: it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it holds something else")
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process has left below ``folder``: ours, and those of safetensors."""
    for pattern in (".*.tmp", ".tmp*"):
        for left in folder.rglob(pattern):
            if left.is_file():
                left.unlink(missing_ok=True)
