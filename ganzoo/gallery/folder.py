"""What lies in a folder of runs: each run with its status and its weights, whatever state it is in.

A request names a run and a weights file by the names that are listed here. No other path can be named.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError, UsageError, describe, printable
from ganzoo.runs.run import checkpoints, read_run_details
from ganzoo.runs.weights import describe_weights

DEPTH = 3
"""Runs lie at most so many folders below the one that is shown; those of a suite lie two below theirs."""
MOST_RUNS = 1000
SHOWN_LATER = ("classifier", "discriminator", "encoder", "attributes", "scorer")
"""Roles that usually draw nothing."""
WITHOUT_WEIGHTS = {
    "running": "no weights yet: its training has not reached a checkpoint",
    "interrupted": "no weights: it was interrupted before its first checkpoint",
    "failed": "no weights: it failed before its first checkpoint",
}


@dataclass(frozen=True)
class Listed:
    """A run directory as the gallery shows it.

    Attributes:
        name: its path below the folder that is shown, with ``/``; ``.`` for that folder itself.
        status: ``running``, ``finished``, ``interrupted``, ``failed``, or ``damaged``.
        reason: why it ended, or why nothing can be drawn from it; one line.
        weights: files to draw from, by the name that a request gives them; the first one is shown at first.
        picture: the newest picture of samples.
    """

    name: str
    path: Path
    status: str
    reason: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Path] = field(default_factory=dict)
    picture: Path | None = None

    def plain(self) -> dict[str, Any]:
        """For JSON: all but paths of this machine."""
        return {
            "name": printable(self.name), "status": self.status, "reason": printable(self.reason), **self.said,
            "weights": list(self.weights), "picture": printable(self.picture.name) if self.picture else None,
        }  # fmt: skip


def list_runs(root: Path) -> list[Listed]:
    """The runs below a folder, by name; other folders and files are left out.

    Raises:
        UsageError: no such folder, or one that cannot be read.
    """
    try:
        next(root.iterdir(), None)
    except OSError as error:
        raise UsageError(f"{root}: {error.strerror or error}. Name a folder of runs.") from error
    return [describe_guarded(root, path) for path in sorted(run_folders(root, DEPTH))[:MOST_RUNS]]


def describe_guarded(root: Path, path: Path) -> Listed:
    """A run directory; one that cannot be read in a way that nobody foresaw must not hide the others."""
    try:
        return describe_run(root, path)
    except Exception as error:  # whatever strange files lead a reader to
        return Listed(path.relative_to(root).as_posix(), path, "damaged", describe(error))


def run_folders(folder: Path, depth: int) -> list[Path]:
    """Folders with a ``run.json`` or a ``config.toml``; what lies below a run is its own."""
    if (folder / "run.json").exists() or (folder / "config.toml").exists():
        return [folder]
    if not depth:
        return []
    try:
        # A link may lead anywhere, and in circles.
        below = [Path(e.path) for e in os.scandir(folder) if e.is_dir(follow_symlinks=False) and e.name[0] != "."]
    except OSError:
        return []
    return [found for each in below for found in run_folders(each, depth - 1)]


def find_run(root: Path, name: object) -> Listed:
    """The run of that name.

    Raises:
        UsageError: none of the runs that are listed.
    """
    for path in run_folders(root, DEPTH):
        if printable(path.relative_to(root).as_posix()) == name:
            return describe_guarded(root, path)
    raise UsageError(f"there is no run {str(name)[:100]!r} here.")


def find_weights(root: Path, run: object, file: object) -> Path:
    """The weights file or checkpoint that a request names.

    Raises:
        UsageError: none of those that are listed.
    """
    listed = find_run(root, run)
    if isinstance(file, str) and file in listed.weights:
        return listed.weights[file]
    raise UsageError(f"run {listed.name!r} has no weights {str(file)[:100]!r}.")


def describe_run(root: Path, path: Path) -> Listed:
    """A run directory, read without its tensors."""
    name = path.relative_to(root).as_posix()
    try:
        details = read_run_details(path)
    except GanzooError as error:
        return Listed(name, path, "damaged", one_line(error, path))
    status, reason = str(details.get("status", "running")), str(details.get("reason", ""))
    said: dict[str, Any] = {key: int(details.get(key, 0)) for key in ("step", "images")}
    said |= {key: str(details.get(key, "")) for key in ("updated", "device")}
    pictures = sorted(plain_files(path / "samples", ".png"))
    picture = pictures[-1] if pictures else None
    files = sorted(plain_files(path, ".safetensors"), key=lambda p: (rank(p), p.name))
    weights = {printable(file.name): file for file in files}
    if not weights:
        return Listed(name, path, status, reason or WITHOUT_WEIGHTS.get(status, "no weights"), said, {}, picture)
    try:
        header, data = describe_weights(next(iter(weights.values())))
        said |= {"variant": str(header["config"]["variant"]), "dataset": str(data.name)}
    except GanzooError as error:
        return Listed(name, path, "damaged", one_line(error, path), said, {}, picture)
    kept = [file for file in reversed(checkpoints(path)) if file.is_file() and not file.is_symlink()]
    weights |= {f"checkpoints/{file.name}": file for file in kept}
    return Listed(name, path, status, reason, said, weights, picture)


def rank(file: Path) -> int:
    """What draws before what judges, final weights before the best ones, and all before whatever looks like a copy."""
    return 2 * (file.stem.removesuffix("-best") in SHOWN_LATER) + file.stem.endswith("-best") + 4 * ("." in file.stem)


def plain_files(folder: Path, suffix: str) -> list[Path]:
    """Regular files of an ending directly in a folder; none where it cannot be read."""
    try:
        found = [Path(e.path) for e in os.scandir(folder) if e.is_file(follow_symlinks=False) and e.name[0] != "."]
    except OSError:
        return []
    return [path for path in found if path.suffix == suffix]


def one_line(error: BaseException, path: Path) -> str:
    """What an error says, without the run's own path, which the page does not need."""
    return " ".join(str(error).replace(f"{path}/", "").replace(str(path), path.name).split())
