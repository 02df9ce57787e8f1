"""What is remembered of folders of images: listing it and removing it. Standard library only.

Each entry is ``KEY.json``, which says what it is. Beside it lie, of a folder that was decoded, ``KEY.npy`` with the
images where they fit into memory, and of an archive that was unpacked, the folder ``KEY``. Of what was decoded the
newest is kept, up to ``BUDGET`` bytes.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER, UNPACKED = "decoded", "unpacked"
"""Below the data root."""
BUDGET = 20 * 2**30


@dataclass(frozen=True)
class Entry:
    """One remembered thing.

    Attributes:
        kind: ``"decoded"`` or ``"unpacked"``.
        key: its name.
        folder: the folder or archive it is of; "" when that cannot be read.
        count: number of images.
        bytes: what it occupies.
        used: time of its last use; of an archive, when it was unpacked.
    """

    kind: str
    key: str
    folder: str
    count: int
    bytes: int
    used: float


def entries(root: Path, *kinds: str) -> list[Entry]:
    """What is remembered below the data root, of all kinds or some, the longest unused first."""
    found = []
    for kind in kinds or (FOLDER, UNPACKED):
        place = root / kind
        names = place.iterdir() if place.is_dir() else iter(())
        for key in sorted({path.stem for path in names if not path.name.startswith(".")}):
            folder, count, size = "", 0, 0
            with suppress(OSError, ValueError, KeyError, TypeError):
                said = json.loads((place / f"{key}.json").read_text(encoding="utf-8"))["entry"]
                folder, count, size = str(said["folder"]), int(said["count"]), int(said.get("bytes", 0))
            with suppress(OSError):  # another process has removed it
                stats = [path.stat() for path in _files(place, key) if path.exists()]
                if stats:
                    size += sum(each.st_size for each in stats)
                    found.append(Entry(kind, key, folder, count, size, max(each.st_mtime for each in stats)))
    return sorted(found, key=lambda entry: entry.used)


def forget(root: Path, kind: str, key: str) -> None:
    """Remove an entry. Decoded images that another process is reading stay readable for it."""
    for path in _files(root / kind, key):
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def make_room(root: Path, size: int) -> None:
    """Remove the longest unused decoded images until ``size`` more bytes are within the budget."""
    there = entries(root, FOLDER)
    total = sum(entry.bytes for entry in there)
    for entry in there:
        if total + size <= BUDGET:
            return
        forget(root, FOLDER, entry.key)
        total -= entry.bytes


def _files(place: Path, key: str) -> tuple[Path, ...]:
    """Where the parts of an entry lie, the one first that says that it is whole."""
    return place / f"{key}.json", place / f"{key}.npy", place / key
