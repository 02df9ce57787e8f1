"""The files below a folder: which are images, which are not, and which a system puts everywhere."""

# ruff: noqa: PTH116, PTH118, PTH122
# A Path for each of a million files takes longer than to look at them.
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.errors import DataError

EXTENSIONS = frozenset(
    """.png .jpg .jpeg .jpe .jfif .bmp .webp .gif .tif .tiff .ppm .pgm .pbm .pnm .tga
    .avif .heic .heif""".split()  # noqa: SIM905
)
CLUTTER = frozenset(
    """.ds_store thumbs.db ehthumbs.db desktop.ini .directory .localized __macosx @eadir .thumbnails .trashes
    .spotlight-v100 .fseventsd $recycle.bin .ipynb_checkpoints .git .gitignore .gitattributes .gitkeep
    .nomedia""".split()  # noqa: SIM905
)
"""In lower case."""


@dataclass
class Listing:
    """What a folder holds: images (sorted, relative to it) and files that are none."""

    images: list[Path] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)


def is_clutter(name: str) -> bool:
    """Whether a file or folder is one of those that systems and programs leave, and that no one means."""
    return name.lower() in CLUTTER or name.startswith("._")


def list_folder(folder: Path, extensions: frozenset[str] = EXTENSIONS) -> Listing:
    """The files below ``folder``, symbolic links followed, each real folder entered once. Clutter is in no list.

    Args:
        extensions: of the files that are looked for, in place of images.

    Raises:
        DataError: a folder cannot be read, or something named like an image is a pipe or a device.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"the folder {error.filename} cannot be read: {error.strerror}.") from error

    images: list[str] = []
    ignored: list[str] = []
    seen = set()
    top = os.fspath(folder)
    for parent, folders, files in os.walk(top, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()  # a link to a folder above: without this the walk would not end
            continue
        seen.add(real)
        place = os.path.relpath(parent, top).replace(os.sep, "/")
        before = "" if place == "." else f"{place}/"
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        # "." begins what programs keep for themselves.
        ignored += [before + name for name in folders if name.startswith(".")]
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if is_clutter(name):
                continue
            if name.startswith(".") or os.path.splitext(name)[1].lower() not in extensions:
                ignored.append(before + name)
                continue
            refuse_special(os.path.join(parent, name))
            images.append(before + name)
    # By text, because the order must not depend on the separator of the platform.
    return Listing([Path(name) for name in sorted(images)], [Path(name) for name in sorted(ignored)])


def refuse_special(path: str) -> None:
    """Raise DataError for a pipe, a device or a folder: opening a pipe would wait for ever."""
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return  # decoding names it, with the reason
    if not regular:
        raise DataError(f"{path} is not a regular file: remove it, or rename it.")
