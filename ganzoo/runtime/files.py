"""Writing files so that they are whole or not there. Standard library only."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ganzoo.errors import RunError

try:
    import fcntl
except ImportError:  # Windows has none; there two processes on one run are not noticed
    fcntl = None  # type: ignore[assignment]  # the module itself is what is missing

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


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process has left below ``folder``."""
    for left in folder.rglob(".*.tmp"):
        left.unlink(missing_ok=True)


LOCK = ".lock"
"""The file that is locked for a folder: on a shared file system other machines see locks on files, not on folders."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process.

    Raises:
        RunError: another process holds it.
    """
    try:
        with _held(folder / LOCK, wait=False):
            yield
    except BlockingIOError:
        raise RunError(f"{folder} is being trained by another process. Wait for it, or stop it.") from None


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Hold the file ``path``, which is made, for this process; wait as long as another one holds it."""
    with _held(path, wait=True):
        yield


@contextmanager
def _held(path: Path, wait: bool) -> Iterator[None]:
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)  # which also lets go of the lock
