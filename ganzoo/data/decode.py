"""Image files of any kind to uint8 tensors of one shape, and the source that decodes them while training goes on.

What is done to a picture, in this order: EXIF orientation, first frame of an animation, grey of more than 8 bits
scaled to 8, an embedded colour profile converted to sRGB, transparency laid on the background (but for four channels),
conversion to grey (ITU-R BT.601), RGB or RGBA, shorter side scaled to the resolution (Pillow's bicubic, which has
antialias), centre cropped.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ganzoo.config.fields import colour_of
from ganzoo.data.base import DataRequest
from ganzoo.data.images.facts import Census, Facts, facts_of_header
from ganzoo.data.images.opening import GREY, Undecodable, open_image, reason
from ganzoo.data.images.pixels import convert, to_8_bits, to_srgb
from ganzoo.data.progress import Progress, silent
from ganzoo.errors import DataError

WORKERS = min(16, os.cpu_count() or 1)
AHEAD_BYTES = 256 * 2**20  # decoded images that wait to be fetched
TAIL = 64 * 1024  # where the end mark of a whole JPEG or PNG is looked for
SHOWN = 5  # offending files named in a message
T = TypeVar("T")


ORIENTATION = 0x0112  # of EXIF
SAMPLED = 200
"""Files of 16 bits whose values are looked at before they are streamed."""

Part = Literal["whole", "left", "right"]
"""Of a file that holds two pictures side by side: which one is meant."""


@dataclass(frozen=True)
class Decoder:
    """Decodes files to uint8 [channels, height, width]. It is called by many threads; Pillow lets them run at once.

    ``height`` and ``width`` of 0 keep the size of the picture. ``channels`` are 1 (grey), 3 (RGB) or 4 (RGBA).
    """

    channels: int
    height: int
    width: int
    part: Part = "whole"
    """Of a file that holds two pictures side by side, one of them."""
    background: tuple[int, int, int] = (255, 255, 255)
    """What transparency is laid on, as RGB."""
    levels: float | None = None
    """The value that is white in files of more than 8 bits; None: 65535, and floats are refused."""

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    def __call__(self, path: Path) -> Tensor:
        """
        Raises:
            Undecodable: the file cannot be read or decoded; the text is the reason.
        """
        return self.look(path)[0]

    def look(self, path: Path) -> tuple[Tensor, Facts]:
        """The pixels, and what the file holds. Raises as a call does."""
        try:
            with open_image(path) as opened:
                facts = facts_of_header(opened)
                image, facts = self._prepare(opened, facts)
        except Undecodable:
            raise
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise Undecodable(reason(error)) from error
        array = np.array(image)
        if self.channels == 3 and not facts.grey:  # grey is often stored as RGB
            facts = replace(
                facts, grey=bool((array[..., 0] == array[..., 1]).all() and (array[..., 1:2] == array).all())
            )
        pixels = torch.from_numpy(array)
        return (pixels[None] if self.channels == 1 else pixels.permute(2, 0, 1).contiguous()), facts

    def _prepare(self, opened: Image.Image, facts: Facts) -> tuple[Image.Image, Facts]:
        if facts.deep_colour and self.levels is not None:
            raise Undecodable("colours of 16 bits, of which Pillow reads the upper 8: levels is for grey; convert it")
        image = ImageOps.exif_transpose(opened)
        size, peak = image.size, None
        if facts.deep_colour:
            peak = float(np.asarray(image.convert("RGB")).max())
        image, profile = to_srgb(image)
        if facts.deep:
            image, peak = to_8_bits(image, self.levels)
        transparent = facts.transparent and np.asarray(image.convert("RGBA"))[..., 3].min() < 255
        facts = replace(facts, width=size[0], height=size[1], peak=peak, profile=profile, transparent=bool(transparent))
        image = convert(image, self.channels, self.background)
        if self.part != "whole":
            half, odd = divmod(image.width, 2)
            if odd or not half:
                raise Undecodable(f"its width of {image.width} is odd, so it does not hold two pictures side by side")
            image = image.crop((0, 0, half, image.height) if self.part == "left" else (half, 0, 2 * half, image.height))
        if not self.height or image.size == (self.width, self.height):
            return image, facts
        scale = min(image.width / self.width, image.height / self.height)
        box_width, box_height = scale * self.width, scale * self.height
        left, top = (image.width - box_width) / 2, (image.height - box_height) / 2
        box = (left, top, min(left + box_width, image.width), min(top + box_height, image.height))
        return image.resize((self.width, self.height), Image.Resampling.BICUBIC, box=box), facts


def decoder_for(request: DataRequest, height: int, width: int, part: Part = "whole") -> Decoder:
    """The decoder that a request asks for: RGB unless it says otherwise."""
    return Decoder(
        request.channels or 3, height, width, part, background=colour_of(request.background), levels=request.levels
    )


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


def check_header(path: Path, decoder: Decoder) -> Facts:
    """What a file holds, as far as can be said without decoding what looks whole.

    The end mark of JPEG and PNG is looked for; a file that lacks it, and any other format, is decoded, and so is one
    whose values may not fit.

    Raises:
        Undecodable: it cannot be used.
    """
    try:
        with open_image(path) as image:
            kind, facts = image.format, facts_of_header(image)
            unbounded = image.mode in ("I", "F") or ((facts.deep or facts.deep_colour) and decoder.levels is not None)
        with open(path, "rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL))
            tail = stream.read()
    except Undecodable:
        raise
    except Exception as error:  # as in Decoder
        raise Undecodable(reason(error)) from error
    end = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND\xaeB\x60\x82"}.get(kind or "")
    if end and end in tail and not unbounded:
        return facts
    return replace(decoder, height=0, width=0).look(path)[1]


def in_parallel(
    function: Callable[[Path], T], paths: Sequence[Path], what: str, progress: Progress = silent
) -> Iterator[T | Undecodable]:
    """``function`` of each path, in order, computed by threads; an :class:`Undecodable` is returned, not raised."""

    def guarded(path: Path) -> T | Undecodable:
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


def decode_all(
    paths: Sequence[Path], decoder: Decoder, folder: Path, progress: Progress = silent
) -> tuple[Tensor, Census]:
    """All files as one tensor uint8 [N, *decoder.shape], and what they hold.

    Raises:
        DataError: some cannot be decoded; all of them are counted, the first few named.
    """
    images = torch.empty((len(paths), *decoder.shape), dtype=torch.uint8)
    bad, census = [], Census()
    for i, result in enumerate(in_parallel(decoder.look, paths, "decoding", progress)):
        if isinstance(result, Undecodable):
            bad.append((paths[i], str(result)))
        else:
            images[i] = result[0]
            census.add(result[1])
    if bad:
        raise bad_files_error(folder, bad, len(paths))
    return images, census


def check_all(paths: Sequence[Path], decoder: Decoder, folder: Path, progress: Progress = silent) -> Census:
    """Look at every file before training starts (see :func:`check_header`). Raises as :func:`decode_all`."""
    bad, census, deep = [], Census(), []
    check = partial(check_header, decoder=decoder)
    for path, found in zip(paths, in_parallel(check, paths, "checking images", progress), strict=True):
        if isinstance(found, Undecodable):
            bad.append((path, str(found)))
            continue
        if (found.deep or found.deep_colour) and found.peak is None:
            deep.append(path)
        census.add(found)
    chosen = deep[:: -(-len(deep) // SAMPLED)] if deep else []
    for path, seen in zip(chosen, in_parallel(decoder.look, chosen, "looking at values"), strict=True):
        if isinstance(seen, Undecodable):
            bad.append((path, str(seen)))
        else:
            census.see(seen[1])
    if bad:
        raise bad_files_error(folder, bad, len(paths))
    return census


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
