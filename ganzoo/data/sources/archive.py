"""Archives of images: unpacked once below the data root, then a folder like any other.

Only regular files that are named like images are written, under names that stay inside. Sizes are compared with what
an archive of that length can hold and with the free space before and while anything is written.
"""

import gzip
import hashlib
import json
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ganzoo.data.base import tell
from ganzoo.data.images.entries import UNPACKED
from ganzoo.data.progress import Progress, silent
from ganzoo.data.sources.listing import EXTENSIONS, is_clutter
from ganzoo.errors import DataError
from ganzoo.runtime.files import replace_file
from ganzoo.runtime.locks import waiting

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
MOST = 100 * 2**30
"""Bytes that are unpacked of an archive."""
RATIO, HARMLESS = 1_000, 2**28
"""Bytes that one byte of an archive may become, and what is always allowed: images compress far less."""
SPARE = 2**30
"""Bytes that are left free on the disk."""
Member = tuple[str, int, IO[bytes] | None]
"""Name, declared size, and the content; None for what is no regular file."""


def is_archive(path: Path) -> bool:
    """Whether a path is named like an archive that can be read."""
    return path.name.lower().endswith(ENDINGS)


def unpacked(path: Path, root: Path, progress: Progress = silent) -> Path:
    """The folder with the images of an archive, unpacked when that was not done before.

    A single folder around everything is left out, so that the folders below it are the classes.

    Raises:
        DataError: the archive is damaged, encrypted or too large, or a path in it leads outside.
    """
    place = root / UNPACKED
    try:
        found = path.stat()
        said = f"{os.path.realpath(path)}\0{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
        key = hashlib.sha256(said.encode(errors="surrogateescape")).hexdigest()[:32]
        if not (place / f"{key}.json").is_file():
            place.mkdir(parents=True, exist_ok=True)
            with waiting(place / f".{key}.lock"):
                if not (place / f"{key}.json").is_file():
                    _unpack(path, place, key, progress)
        return _inner(place / key)
    except OSError as error:
        raise DataError(f"{path} cannot be unpacked to {place}: {error.strerror or error}.") from error


def _unpack(path: Path, place: Path, key: str, progress: Progress) -> None:
    temporary = place / f".{key}.tmp"
    for left in (temporary, place / key):  # of a process that was killed: no other can be at work, by the lock
        shutil.rmtree(left, ignore_errors=True)
    try:
        with _members(path) as members:
            count, total, others = _write(path, members, temporary, progress)
        temporary.rename(place / key)
    except DataError:
        raise
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, NotImplementedError) as error:
        why = str(error).partition("\n")[0].rstrip(":. ")  # tarfile lists every method that it has tried
        raise DataError(f"{path} is damaged, or another kind of file: {why}.") from error
    except OSError:
        raise
    except Exception as error:  # readers raise whatever a damaged file leads them to, zlib.error for one
        raise DataError(f"{path} is damaged: {error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if others:
        tell(f"{path}: {others:,} entries are not images by their names and are passed over.")
    entry = {"folder": str(path.absolute()), "count": count, "bytes": total}
    text = json.dumps({"entry": entry})
    replace_file(place / f"{key}.json", lambda new: new.write_text(text, encoding="utf-8"))


def _write(path: Path, members: Iterator[Member], target: Path, progress: Progress) -> tuple[int, int, int]:
    """Number and bytes of the images written, and the number of other files."""
    packed = path.stat().st_size
    target.mkdir(parents=True)
    room = shutil.disk_usage(target).free - SPARE
    count = total = seen = others = 0
    for name, size, content in members:
        parts = _inside(path, name)
        seen += size
        if seen > max(HARMLESS, RATIO * packed):
            raise DataError(f"{path}: its {packed:,} bytes claim to hold more than {seen:,}: not unpacked.")
        if content is None or Path(parts[-1]).suffix.lower() not in EXTENSIONS or any(map(is_clutter, parts)):
            others += not any(map(is_clutter, parts))
            continue
        if (total := total + size) > min(MOST, room):
            limit = f"no more than {MOST:,} are taken" if total > MOST else f"{max(0, room):,} can be had at {target}"
            raise DataError(f"{path} holds {total:,} bytes of images or more, and {limit}.")
        out = target.joinpath(*parts)
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(out, "xb") as file:
                shutil.copyfileobj(content, file)
        except FileExistsError:
            raise DataError(f"{path} holds two files {name}: which one is meant is not clear.") from None
        count += 1
        progress(f"unpacking {path.name}", count, 0)
    return count, total, others


def _inside(path: Path, name: str) -> list[str]:
    """The parts of a member's name.

    Raises:
        DataError: it leads outside, or is no name.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or name.startswith(("/", "\\")) or "\0" in name or ":" in parts[0]:
        raise DataError(f"{path} holds the path {name!r}, which leads outside: not unpacked.")
    return parts


@contextmanager
def _members(path: Path) -> Iterator[Iterator[Member]]:
    """What an archive holds, folders left out."""
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            yield _zip_members(path, archive)
    else:
        with tarfile.open(path) as tape:
            yield ((m.name, m.size, tape.extractfile(m) if m.isreg() else None) for m in tape if not m.isdir())


def _zip_members(path: Path, archive: zipfile.ZipFile) -> Iterator[Member]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if any(info.flag_bits & 1 for info in infos):
        raise DataError(f"{path} is encrypted: unpack it yourself, and give the folder.")
    total, packed = sum(info.file_size for info in infos), path.stat().st_size
    if total > max(HARMLESS, RATIO * packed):
        raise DataError(f"{path}: its {packed:,} bytes claim to hold {total:,}: not unpacked.")
    for info in infos:
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            yield info.filename, info.file_size, None
            continue
        with archive.open(info) as content:
            yield info.filename, info.file_size, content


def _inner(folder: Path) -> Path:
    """The folder, or the only one in it."""
    there = list(folder.iterdir())
    return _inner(there[0]) if len(there) == 1 and there[0].is_dir() else folder
