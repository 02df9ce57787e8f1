"""A small picture of the samples in a terminal: each character shows two pixels, one above the other."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from PIL import Image
from rich.color import Color
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style

GAP = 2
"""Pixels between the images of a grid; see :func:`ganzoo.report.pictures.grid`."""
LEAST = 12
"""Pixels that an image is high at least, unless it is smaller: fewer are not recognised."""
BEHIND = (128, 128, 128)
Pixel = tuple[int, int, int]


class HalfBlocks:
    """A picture as coloured half blocks, ready to be drawn again and again.

    Args:
        picture: RGB; its height is even.
    """

    def __init__(self, picture: Image.Image) -> None:
        self.width, self.rows = picture.width, picture.height // 2
        pixels = picture.load()
        assert pixels is not None, "a picture in memory has pixels"
        styles: dict[tuple[Pixel, Pixel], Style] = {}

        def style(pair: tuple[Pixel, Pixel]) -> Style:
            if pair not in styles:
                styles[pair] = Style(color=Color.from_rgb(*pair[0]), bgcolor=Color.from_rgb(*pair[1]))
            return styles[pair]

        self._segments: list[Segment] = []
        for y in range(0, 2 * self.rows, 2):
            pairs = [(pixels[x, y], pixels[x, y + 1]) for x in range(self.width)]
            for pair, same in groupby(pairs):
                self._segments.append(Segment("▀" * len(list(same)), style(pair)))  # type: ignore[arg-type]  # RGB
            self._segments.append(Segment.line())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from self._segments


def preview(path: Path, shape: tuple[int, ...], columns: int, rows: int) -> HalfBlocks:
    """A picture of samples, made to fit into so many characters: some images of a grid, else the whole picture.

    Args:
        shape: of a sample, (C, H, W) for images.

    Raises:
        OSError, ValueError: the file cannot be read.
    """
    with Image.open(path, formats=["PNG"]) as opened:
        picture = opened.convert("RGBA")
    width, height = columns, 2 * rows
    tiles = tiles_of(picture, shape)
    if tiles:
        return HalfBlocks(mosaic(tiles, width, height))
    scale = min(width / picture.width, height / picture.height)
    size = max(1, int(picture.width * scale)), max(2, int(picture.height * scale) // 2 * 2)
    return HalfBlocks(flat(picture.resize(size, Image.Resampling.BOX)))


def tiles_of(picture: Image.Image, shape: tuple[int, ...]) -> list[Image.Image]:
    """The images of a grid, row by row; none where the picture is not a grid of images of that shape."""
    if len(shape) != 3:
        return []
    high, wide = shape[1] + GAP, shape[2] + GAP
    columns, rows = (picture.width - GAP) // wide, (picture.height - GAP) // high
    if (columns * wide + GAP, rows * high + GAP) != picture.size or columns * rows == 0:
        return []
    corners = [(GAP + x * wide, GAP + y * high) for y in range(rows) for x in range(columns)]
    return [picture.crop((left, top, left + shape[2], top + shape[1])) for left, top in corners]


def mosaic(tiles: list[Image.Image], width: int, height: int) -> Image.Image:
    """Some of the images, evenly taken from all, as large as they fit into so many pixels; at least one."""
    wide, high = tiles[0].size
    lines = max(1, (height + 1) // (min(high, LEAST) + 1))
    tall = min(high, (height + 1) // lines - 1, max(1, int(width * high / wide)))
    broad = max(1, min(width, round(tall * wide / high)))
    across = max(1, (width + 1) // (broad + 1))
    count = min(len(tiles), lines * across)
    lines = -(-count // across)
    sheet = Image.new("RGB", (min(count, across) * (broad + 1) - 1, -(-(lines * (tall + 1) - 1) // 2) * 2))
    for i in range(count):
        tile = tiles[i * len(tiles) // count].resize((broad, tall), Image.Resampling.BOX)
        sheet.paste(flat(tile), (i % across * (broad + 1), i // across * (tall + 1)))
    return sheet


def flat(picture: Image.Image) -> Image.Image:
    """RGBA on mid-grey, as RGB."""
    behind = Image.new("RGBA", picture.size, (*BEHIND, 255))
    return Image.alpha_composite(behind, picture).convert("RGB")
