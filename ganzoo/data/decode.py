"""Image files of any kind to uint8 tensors of one shape, and the source that decodes them while training goes on.

What is done to a picture, in this order: EXIF orientation, first frame of an animation, 16-bit grey scaled to 8 bit,
transparency composited over white, conversion to grey (ITU-R BT.601) or RGB, shorter side scaled to the resolution
(Pillow's bicubic, which has antialias), centre cropped.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ganzoo.data.progress import Progress, silent
from ganzoo.errors import DataError

WORKERS = min(16, os.cpu_count() or 1)
AHEAD_BYTES = 256 * 2**20  # decoded images that wait to be fetched
TAIL = 64 * 1024  # where the end mark of a whole JPEG or PNG is looked for
SHOWN = 5  # offending files named in a message


ORIENTATION = 0x0112  # of EXIF

GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "F")
"""Pillow's names for images without colour."""


class Undecodable(Exception):
    """Why a file is not an image that can be used."""


Part = Literal["whole", "left", "right"]
"""Of a file that holds two pictures side by side: which one is meant."""


FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "TGA", "AVIF")
"""What is decoded, by content: Pillow would hand PostScript to another program, and knows formats that no one uses."""
PACKAGES = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"hevc": "HEIC", b"jxl ": "JPEG XL"}


def open_image(path: Path) -> Image.Image:
    """An image file, its pixels not read yet. Only raster formats are opened, whatever the file is called.

    Raises:
        Undecodable: another format.
        OSError: it cannot be read.
    """
    try:
        return Image.open(path, formats=[name for name in FORMATS if name in supported()])
    except UnidentifiedImageError as error:
        with open(path, "rb") as file:
            brand = file.read(12)[8:12]
        if brand in PACKAGES:
            kind = PACKAGES[brand]
            raise Undecodable(f"a {kind} file, which Pillow cannot read; convert it to PNG or JPEG") from error
        raise Undecodable(f"not an image in one of the formats {', '.join(FORMATS)}") from error


@cache
def supported() -> frozenset[str]:
    """The formats that this installation of Pillow has."""
    Image.init()
    return frozenset(Image.OPEN)


@dataclass(frozen=True)
class Decoder:
    """Decodes files to uint8 [channels, height, width]. It is called by many threads; Pillow lets them run at once.

    ``height`` and ``width`` of 0 keep the size of the picture.
    """

    channels: int
    height: int
    width: int
    part: Part = "whole"
    """Of a file that holds two pictures side by side, one of them."""

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    def __call__(self, path: Path) -> Tensor:
        """
        Raises:
            Undecodable: the file cannot be read or decoded; the text is the reason.
        """
        try:
            with open_image(path) as opened:
                image = self._prepare(opened)
        except Undecodable:
            raise
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise Undecodable(reason(error)) from error
        pixels = torch.from_numpy(np.array(image))
        return pixels[None] if self.channels == 1 else pixels.permute(2, 0, 1).contiguous()

    def _prepare(self, opened: Image.Image) -> Image.Image:
        image = ImageOps.exif_transpose(opened)
        image = _to_mode(image, "L" if self.channels == 1 else "RGB")
        if self.part != "whole":
            half, odd = divmod(image.width, 2)
            if odd or not half:
                raise Undecodable(f"its width of {image.width} is odd, so it does not hold two pictures side by side")
            image = image.crop((0, 0, half, image.height) if self.part == "left" else (half, 0, 2 * half, image.height))
        if not self.height or image.size == (self.width, self.height):
            return image
        scale = min(image.width / self.width, image.height / self.height)
        box_width, box_height = scale * self.width, scale * self.height
        left, top = (image.width - box_width) / 2, (image.height - box_height) / 2
        box = (left, top, min(left + box_width, image.width), min(top + box_height, image.height))
        return image.resize((self.width, self.height), Image.Resampling.BICUBIC, box=box)


def as_stored(path: Path) -> Tensor:
    """uint8 [1, H, W] of a grey image file, [3, H, W] of any other, in its own size.

    Raises:
        DataError: it cannot be decoded.
    """
    try:
        with open_image(path) as opened:
            grey = opened.mode in GREY
        return Decoder(1 if grey else 3, 0, 0)(path)
    except (Undecodable, OSError) as error:
        raise DataError(f"{path} cannot be read: {reason(error)}.") from error


def stored_shape(path: Path) -> tuple[int, int, int]:
    """(1, H, W) of a grey image file, (3, H, W) of any other, by its header.

    Raises:
        DataError: it is not an image.
    """
    try:
        with open_image(path) as opened:
            turned = opened.getexif().get(ORIENTATION, 1) >= 5  # on its side
            width, height = opened.size[::-1] if turned else opened.size
            return (1 if opened.mode in GREY else 3), height, width
    except (Undecodable, OSError) as error:
        raise DataError(f"{path} cannot be read: {reason(error)}.") from error


def _to_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert to "L" or "RGB" from whatever a file holds."""
    if image.mode.startswith("I"):
        image = _from_16_bit(image)
    elif image.mode == "F":
        raise Undecodable("32-bit floating point pixels, whose range is not known; convert it to 8 or 16 bit")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        # RGBa and La have premultiplied colours: converting them divides by alpha.
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba).convert("RGB")
    if image.mode == mode:
        return image
    # Grey out of a palette, CMYK or YCbCr by way of RGB, so that grey is always the luma of what one sees.
    return image.convert(mode) if image.mode in ("1", "L", "RGB") else image.convert("RGB").convert(mode)


def _from_16_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 0xFFFF):
        raise Undecodable(f"integer pixels from {values.min()} to {values.max()}; convert it to 8 or 16 bit")
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def reason(error: Exception) -> str:
    """An exception of Pillow or of the system, as a reason to give to a user."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image that Pillow knows"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def check_header(path: Path) -> str:
    """Why a file cannot be used, as far as can be said without decoding what looks whole; "" when nothing is wrong.

    The end mark of JPEG and PNG is looked for; a file that lacks it, and any other format, is decoded.
    """
    try:
        with open_image(path) as image:
            kind = image.format
        with open(path, "rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL))
            tail = stream.read()
    except Exception as error:  # as in Decoder
        return reason(error)
    end = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND\xaeB\x60\x82"}.get(kind or "")
    if end and end in tail:
        return ""
    try:
        Decoder(3, 0, 0)(path)
    except Undecodable as error:
        return str(error)
    return ""


def in_parallel(
    function: Callable[[Path], Tensor | str], paths: Sequence[Path], what: str, progress: Progress = silent
) -> Iterator[Tensor | str | Undecodable]:
    """``function`` of each path, in order, computed by threads; an :class:`Undecodable` is returned, not raised."""

    def guarded(path: Path) -> Tensor | str | Undecodable:
        try:
            return function(path)
        except Undecodable as error:
            return error

    block = 16 * WORKERS  # bounds the results that wait, whatever the speed of the consumer
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, len(paths), block):
            yield from pool.map(guarded, paths[start : start + block])
            progress(what, min(start + block, len(paths)), len(paths))


def bad_files_error(folder: Path, bad: Sequence[tuple[Path, str]], total: int) -> DataError:
    """The error for files that cannot be used: how many, and the first few with the reason of each."""
    lines = [f"  {path}: {why}" for path, why in bad[:SHOWN]]
    if len(bad) > SHOWN:
        lines.append(f"  ... and {len(bad) - SHOWN:,} more")
    return DataError(
        f"{len(bad):,} of {total:,} image files in {folder} cannot be used:\n" + "\n".join(lines)
        + "\nRepair, remove or rename them (other file extensions are passed over); none is skipped in silence."
    )  # fmt: skip


def decode_all(paths: Sequence[Path], decoder: Decoder, folder: Path, progress: Progress = silent) -> Tensor:
    """All files as one tensor uint8 [N, *decoder.shape].

    Raises:
        DataError: some cannot be decoded; all of them are counted, the first few named.
    """
    images = torch.empty((len(paths), *decoder.shape), dtype=torch.uint8)
    bad = []
    for i, result in enumerate(in_parallel(decoder, paths, "decoding", progress)):
        if isinstance(result, Tensor):
            images[i] = result
        else:
            bad.append((paths[i], str(result)))
    if bad:
        raise bad_files_error(folder, bad, len(paths))
    return images


class FileSource:
    """Images decoded from their files by threads, ahead of their use when :meth:`prefetch` is told what comes next.

    The tensors are those that :func:`decode_all` gives for the same files, whatever is prefetched.
    """

    def __init__(self, paths: Sequence[Path], decoder: Decoder, device: torch.device | None = None) -> None:
        self.paths, self.decoder, self.device = paths, decoder, device or torch.device("cpu")
        self._ahead = max(1, AHEAD_BYTES // int(np.prod(decoder.shape)))
        self._waiting: OrderedDict[int, Future[Tensor]] = OrderedDict()
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.paths)

    def _submit(self, index: int) -> "Future[Tensor]":
        if self._pool is None:
            self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="ganzoo-decode")
        return self._pool.submit(self.decoder, self.paths[index])

    def prefetch(self, indices: Tensor) -> None:
        """Start decoding these; the longest waiting are given up when more than 256 MiB would wait."""
        with self._lock:
            for index in indices.tolist()[: self._ahead]:
                if index not in self._waiting:
                    self._waiting[index] = self._submit(index)
            while len(self._waiting) > self._ahead:
                self._waiting.popitem(last=False)[1].cancel()

    def fetch(self, indices: Tensor) -> Tensor:
        """uint8 [N, C, H, W].

        Raises:
            DataError: a file cannot be decoded; it is named.
        """
        wanted = indices.tolist()
        with self._lock:
            futures = {
                i: self._waiting.pop(i) if i in self._waiting else self._submit(i) for i in dict.fromkeys(wanted)
            }
        decoded = {}
        for index, future in futures.items():
            try:
                decoded[index] = future.result()
            except Undecodable as error:
                raise DataError(
                    f"{self.paths[index]} cannot be decoded: {error}. Repair or remove it, then resume or start again."
                ) from error
        if not wanted:
            return torch.empty((0, *self.decoder.shape), dtype=torch.uint8, device=self.device)
        return torch.stack([decoded[index] for index in wanted]).to(self.device)

    def to(self, device: torch.device) -> "FileSource":
        return FileSource(self.paths, self.decoder, device)

    def close(self) -> None:
        """Give up what waits and stop the threads; a later fetch starts new ones."""
        with self._lock:
            self._waiting.clear()
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
                self._pool = None
