"""Opening image files: raster formats only, by content, and never a pipe or a device."""

import importlib
import importlib.util
import stat
from functools import cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError

GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "F")
"""Pillow's names for images without colour."""
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "TGA", "AVIF")
"""What is decoded, by content: Pillow would hand PostScript to another program, and knows formats that no one uses."""
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    b"jxl ": "JPEG XL",
}
"""The word at byte 8 of files in containers that Pillow may not read."""
ADVICE = {
    "HEIC": "the package pillow-heif reads it (pip install pillow-heif)",
    "AVIF": "Pillow 11.3 or later reads it (pip install -U pillow)",
}


class Undecodable(Exception):
    """Why a file is not an image that can be used."""


def open_image(path: Path) -> Image.Image:
    """An image file, its pixels not read yet. Only raster formats are opened, whatever the file is called.

    HEIC is read where the package ``pillow-heif`` is installed.

    Raises:
        Undecodable: another format, or not a regular file.
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise Undecodable("not a regular file")  # opening a pipe would wait for ever
    known = [name for name in FORMATS if name in supported()]
    try:
        return Image.open(path, formats=known)
    except UnidentifiedImageError as error:
        with open(path, "rb") as file:
            kind = BRANDS.get(file.read(12)[8:12])
        if kind is None:
            raise Undecodable(f"not an image in one of the formats {', '.join(FORMATS)}") from error
        if kind == "HEIC" and reads_heic():
            return Image.open(path, formats=["HEIF"])
        if kind in known:
            raise Undecodable(f"a damaged {kind} file") from error
        advice = f"{ADVICE[kind]}, or convert it" if kind in ADVICE else "convert it"
        raise Undecodable(f"a {kind} file, which Pillow cannot read: {advice} to PNG or JPEG") from error


@cache
def supported() -> frozenset[str]:
    """The formats that this installation of Pillow has."""
    Image.init()
    return frozenset(Image.OPEN)


@cache
def reads_heic() -> bool:
    """Whether ``pillow-heif`` is installed; if so it is registered with Pillow."""
    if importlib.util.find_spec("pillow_heif") is None:
        return False
    importlib.import_module("pillow_heif").register_heif_opener()
    return True


def reason(error: Exception) -> str:
    """An exception of Pillow or of the system, as a reason to give to a user."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image that Pillow knows"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
