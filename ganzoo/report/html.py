"""Pages in one file: the templates with what they share, and pictures as data."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from PIL import Image
from torch import Tensor

from ganzoo.report.charts import COLOURS, lasted, short

LARGEST = 2 * 1_200
"""Pixels of a picture's side, at most."""
MOST_BYTES, MOST_PIXELS = 64_000_000, 50_000_000
"""Of a file that is opened: what is larger was not drawn by a training."""
PNG = b"\x89PNG\r\n\x1a\n"
"""How a PNG begins; width and height stand in its bytes 16 to 23."""
LEAST_SIDE = 48
"""Pixels of a page that a sample is shown with, at least; smaller ones are magnified by a whole factor."""
PLOTS = ("points", "waves")
"""Kinds of samples that are drawn dark on white: a dark page shows them light on dark."""
GAP = 2
POINT_SIDE = 420


@lru_cache(maxsize=4)
def environment(*packages: str) -> Environment:
    """The templates of these packages, and those of all pages. Texts are escaped, gaps in the data are errors."""
    loaders = [PackageLoader(package) for package in (*packages, "ganzoo.report")]
    made = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(short=short, lasted=lasted)
    made.globals["colours"] = COLOURS
    return made


@dataclass(frozen=True)
class Picture:
    """What an ``<img>`` needs.

    Attributes:
        data: a ``data:`` URL.
        alt: what it shows, in words.
        width, height: in pixels of the file.
        scale: whole factor that it is shown with.
        shrunk: it has lost pixels or digits, because the page would be too large.
    """

    data: str
    alt: str
    width: int
    height: int
    scale: int = 1
    shrunk: bool = False


def picture(image: Image.Image, alt: str, most: int, scale: int = 1) -> Picture:
    """An image as PNG, or as WebP and smaller where its file would have more than ``most`` bytes."""
    shown = image
    if max(shown.size) > LARGEST:
        shown = shown.copy()
        shown.thumbnail((LARGEST, LARGEST))
    mime, data = "png", encoded(shown, "PNG")
    shrunk = shown is not image
    quality = 85
    while len(data) > most and min(shown.size) > 8:
        mime, data = "webp", encoded(shown.convert("RGBA" if "A" in shown.mode else "RGB"), "WEBP", quality=quality)
        shrunk = True
        if len(data) > most:
            if quality > 60:
                quality -= 20
            else:
                shown = shown.resize((max(8, shown.width // 2), max(8, shown.height // 2)))
    factor = max(1, round(scale * image.width / shown.width)) if scale > 1 else 1
    return Picture(as_url(f"image/{mime}", data), alt, shown.width, shown.height, factor, shrunk)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The content of an image file."""
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def as_url(kind: str, data: bytes) -> str:
    """``data:image/png;base64,...``; ``kind`` is a media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def stored(path: Path, alt: str, most: int) -> Picture:
    """A PNG file as it is, or smaller where it has more than ``most`` bytes.

    Raises:
        OSError: it is missing or damaged.
        ValueError: it is no ordinary file, or too large to be a picture that ganzoo has drawn.
    """
    if not path.is_file():
        raise ValueError("it is no file" if path.exists() else "it is gone")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES // 10**6} MB")
    data = path.read_bytes()
    if not data.startswith(PNG):
        raise ValueError("it is no PNG")
    if int.from_bytes(data[16:20]) * int.from_bytes(data[20:24]) > MOST_PIXELS:
        raise ValueError(f"it has more than {MOST_PIXELS // 10**6} megapixels")
    with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
        opened.load()
        if len(data) <= most and max(opened.size) <= LARGEST:
            return Picture(as_url("image/png", data), alt, opened.width, opened.height, magnified(opened.width, 320))
        return picture(opened.copy(), alt, most)


def magnified(side: int, wanted: int = LEAST_SIDE) -> int:
    """The whole factor that brings a side to about what is wanted."""
    return max(1, min(8, -(-wanted // side)))


def strip(images: Tensor, alt: str, most: int) -> Picture:
    """uint8 [N, C, H, W] side by side, with nothing between them."""
    n, channels, height, width = images.shape
    pixels = images.cpu()
    if channels == 2 or channels > 4:
        pixels = pixels[:, :1]
        channels = 1
    if channels in (1, 3):
        pixels = torch.cat([pixels, torch.full_like(pixels[:, :1], 255)], dim=1)
    sheet = torch.zeros(pixels.shape[1], height, n * (width + GAP) - GAP, dtype=torch.uint8)
    for i, one in enumerate(pixels):
        left = i * (width + GAP)
        sheet[:, :, left : left + width] = one
    array = sheet.permute(1, 2, 0).contiguous().numpy()
    return picture(Image.fromarray(array), alt, most, magnified(height))


@dataclass(frozen=True)
class Scatter:
    """Points [N, 2] in pixels of a square, as the path of an SVG: what is real, what is drawn, and walks."""

    alt: str
    real: str
    samples: str
    walks: tuple[str, ...]
    outside: int
    side: int = POINT_SIDE


def scatter(samples: Tensor, real: Tensor | None, walks: Tensor | None, alt: str) -> Scatter:
    """The first two coordinates of points [N, D >= 2], in a square that holds all that is real."""
    frame = real if real is not None and len(real) else samples
    frame = frame[:, :2].double()
    frame = frame[frame.isfinite().all(1)]
    low, high = (frame.amin(0), frame.amax(0)) if len(frame) else (torch.full((2,), -1.0), torch.full((2,), 1.0))
    middle, reach = (low + high) / 2, float((high - low).max()) * 0.58 or 1.0

    def placed(points: Tensor) -> list[tuple[float, float]]:
        scaled = (points[:, :2].double() - middle) / reach
        inside = scaled[(scaled.abs() <= 1).all(1)]
        return [((x + 1) / 2 * POINT_SIDE, (1 - y) / 2 * POINT_SIDE) for x, y in inside.tolist()]

    def dots(points: Sequence[tuple[float, float]]) -> str:
        return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)

    drawn = placed(samples)
    lines = () if walks is None else tuple(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) for walk in walks if len(points := placed(walk)) > 1
    )  # fmt: skip
    return Scatter(alt, dots(placed(real)) if real is not None else "", dots(drawn), lines, len(samples) - len(drawn))
