"""One process at a time: locks on files, which the system lets go of when a process ends, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ganzoo.errors import RunError

LOCK = ".lock"
"""The file that is locked for a folder: on a shared file system other machines see locks on files, not on folders."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process.

    Raises:
        RunError: another process holds it.
    """
    lock = file_lock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise RunError(f"{folder} is being trained by another process. Wait for it, or stop it.") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Hold the file ``path``, which is made, for this process; wait as long as another one holds it."""
    with file_lock(path):
        yield


def file_lock(path: Path) -> FileLock:
    """A lock of the system's. A mark left on the disk instead would outlive a killed process."""
    return FileLock(path, fallback_to_soft=False)
