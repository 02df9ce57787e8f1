"""What is remembered of folders of images: listing it and removing it. Standard library only.

Each entry is ``KEY.json``, which says what it is, beside ``KEY.npy`` with the images where they fit into memory. The
newest are kept, up to ``BUDGET`` bytes.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = "decoded"
"""Below the data root."""
BUDGET = 20 * 2**30


@dataclass(frozen=True)
class Entry:
    """One remembered thing: its name, the folder it is of ("" when that cannot be read), its bytes, its last use."""

    key: str
    folder: str
    count: int
    bytes: int
    used: float


def entries(root: Path) -> list[Entry]:
    """What is remembered below the data root, the longest unused first."""
    place, found = root / FOLDER, []
    for key in sorted({path.stem for path in place.glob("*.json")} | {path.stem for path in place.glob("*.npy")}):
        files = list(_files(place, key))
        folder, count = "", 0
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads((place / f"{key}.json").read_text(encoding="utf-8"))["entry"]
            folder, count = str(said["folder"]), int(said["count"])
        with suppress(OSError):  # another process has removed it
            sizes = [path.stat() for path in files]
            if sizes:
                used = max(each.st_mtime for each in sizes)
                found.append(Entry(key, folder, count, sum(each.st_size for each in sizes), used))
    return sorted(found, key=lambda entry: entry.used)


def forget(root: Path, keys: list[str]) -> None:
    """Remove entries. One that another process is reading stays readable for it."""
    for key in keys:
        for path in _files(root / FOLDER, key):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def make_room(root: Path, size: int) -> None:
    """Remove the longest unused entries until ``size`` more bytes are within the budget."""
    there = entries(root)
    total = sum(entry.bytes for entry in there)
    for entry in there:
        if total + size <= BUDGET:
            return
        forget(root, [entry.key])
        total -= entry.bytes


def _files(place: Path, key: str) -> Iterator[Path]:
    """The files of an entry that are there."""
    return (path for path in (place / f"{key}.json", place / f"{key}.npy") if path.is_file())
