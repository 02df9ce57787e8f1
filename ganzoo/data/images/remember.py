"""What was decoded of a folder of images, remembered, so that the next start need not decode it again.

An entry is named by a hash of the folder's path, of name, size and times of every file, and of all that decides what
their pixels become. Its own content is hashed too: one that is damaged is decoded again, with a word. Two processes
that need the same entry decode it once: the second waits.
"""

# ruff: noqa: PTH116, PTH118
# A Path for each of a million files takes longer than to look at them.
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from torch import Tensor

from ganzoo.data.base import hashed, tell
from ganzoo.data.images.entries import BUDGET, FOLDER, forget, make_room
from ganzoo.data.images.facts import Census
from ganzoo.errors import RunError
from ganzoo.runtime.files import replace_file, replace_text
from ganzoo.runtime.locks import waiting

VERSION = 1
"""Of decoding: raised when the same file comes out differently."""
LEAST = 500
"""Smaller folders are decoded each time."""
SPARE = 2**30
"""Bytes that are left free on the disk."""


@dataclass(frozen=True)
class Decoded:
    """What is known of the images of a folder.

    Attributes:
        census: what their files hold.
        samples: uint8 [N, C, H, W]; None for images that do not fit into memory, of which only the census is known.
    """

    census: Census
    samples: Tensor | None = None

    def checksum(self) -> str:
        """SHA-256 over the samples, as hex; "" without."""
        return "" if self.samples is None else hashed(hashlib.sha256(), self.samples).hexdigest()


def remembered(root: Path, key: str, folder: Path, compute: Callable[[], Decoded], size: int) -> Decoded:
    """What ``compute`` gives: from below the data root, or computed and put there.

    Args:
        key: from :func:`key_of`; empty: nothing is remembered.
        folder: the images' own, for messages and lists.
        size: bytes of the samples.
    """
    if not key:
        return compute()
    place = root / FOLDER
    if (found := _read(root, key, folder)) is not None:
        return found
    with ExitStack() as held:
        try:
            place.mkdir(parents=True, exist_ok=True)
            held.enter_context(waiting(place / f".{key}.lock"))
        except OSError as error:
            tell(f"{place} cannot be written ({error.strerror or error}): what is decoded is not remembered.")
            return compute()
        if (found := _read(root, key, folder)) is not None:  # another process has put it there while this one waited
            return found
        result = compute()
        _write(root, key, folder, result, size)
        return result


def key_of(folder: Path, images: Sequence[Path], settings: str, least: int | None = None) -> str:
    """The name of an entry: a hash of the files as they are now, and of ``settings``; empty for fewer than ``least``
    files, :data:`LEAST` if no one says otherwise.

    The time of a file's last change counts, which cannot be set as its other times can.
    """
    if len(images) < (LEAST if least is None else least):
        return ""
    place = os.path.realpath(folder)
    total = hashlib.sha256(json.dumps([VERSION, PIL.__version__, settings, place]).encode())
    try:
        for image in images:
            found = os.stat(os.path.join(place, image))
            said = f"{image.as_posix()}\0{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}\n"
            total.update(said.encode(errors="surrogateescape"))
    except OSError:
        return ""  # a file that is not there: decoding names it
    return total.hexdigest()[:32]


def _write(root: Path, key: str, folder: Path, result: Decoded, size: int) -> None:
    place = root / FOLDER
    try:
        if size > BUDGET:
            raise RunError(f"{size:,} bytes are more than are kept.")
        make_room(root, size)
        if shutil.disk_usage(place).free < size + SPARE:
            raise RunError(f"{place} has not the space for {size:,} bytes.")
        if (samples := result.samples) is not None:

            def write(temporary: Path) -> None:
                with open(temporary, "wb") as file:
                    np.save(file, samples.numpy(), allow_pickle=False)

            replace_file(place / f"{key}.npy", write)
        entry = {
            "folder": str(folder.absolute()),
            "count": result.census.count,
            "census": result.census.as_json(),
            "sha256": result.checksum(),
        }
        text = json.dumps({"entry": entry, "sha256": _own_hash(entry)})
        # Last, because it says that the samples are whole.
        replace_text(place / f"{key}.json", text)
    except (RunError, OSError) as error:
        tell(f"{error} What was decoded of {folder} is not remembered.")


def _own_hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def _read(root: Path, key: str, folder: Path) -> Decoded | None:
    place = root / FOLDER
    path = place / f"{key}.json"
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        entry = plain["entry"]
        if plain["sha256"] != _own_hash(entry):
            raise ValueError("its text is not what was written")
        samples = None
        if entry["sha256"]:
            with open(place / f"{key}.npy", "rb") as file:
                samples = torch.from_numpy(np.load(file, allow_pickle=False))
        found = Decoded(Census.from_plain(entry["census"]), samples)
        if found.checksum() != entry["sha256"]:
            raise ValueError("its images are not what was written")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # readers raise whatever a damaged file leads them to
        tell(f"{path}, remembered of {folder}, is damaged ({error}): the images are decoded again.")
        forget(root, FOLDER, key)
        return None
    for used in (path, place / f"{key}.npy"):
        with suppress(OSError):  # the longest unused is removed first
            os.utime(used)
    return found
