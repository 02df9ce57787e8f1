"""Lines, areas, dots and text in the coordinates of a panel, drawn large and made small so that edges are smooth."""

from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

FINER = 2
"""Pixels drawn for one that is shown, in each direction."""
Point = tuple[float, float]


class Canvas:
    """A white sheet of ``width`` x ``height`` pixels; all coordinates are pixels of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._sheet = Image.new("RGB", (width * FINER, height * FINER), "white")
        self._pen = ImageDraw.Draw(self._sheet)

    def line(self, points: Sequence[Point], colour: str, width: float = 1, dash: tuple[float, float] = (0, 0)) -> None:
        """A line through points; ``dash``: pixels that are drawn, and left out, in turn."""
        for part in dashed(points, *dash) if dash[0] else [points]:
            scaled = [(x * FINER, y * FINER) for x, y in part]
            self._pen.line(scaled, colour, round(width * FINER), joint="curve")

    def arrow(self, begin: Point, end: Point, colour: str) -> None:
        """A thin line down to a small head."""
        self.line([begin, end], colour)
        x, y = end
        self.area([(x, y), (x - 2.5, y - 5), (x + 2.5, y - 5)], colour)

    def area(self, points: Sequence[Point], colour: str) -> None:
        """A filled polygon."""
        self._pen.polygon([(x * FINER, y * FINER) for x, y in points], colour)

    def dot(self, centre: Point, radius: float, colour: str | None, outline: str | None = None) -> None:
        """A disc, or with ``outline`` alone a circle."""
        (x, y), r = centre, radius
        box = [(x - r) * FINER, (y - r) * FINER, (x + r) * FINER, (y + r) * FINER]
        self._pen.ellipse(box, colour, outline, FINER)

    def text(self, place: Point, text: str, colour: str = "black", size: int = 12, anchor: str = "la") -> float:
        """Write; returns the width in pixels."""
        font = ImageFont.load_default(size * FINER)
        self._pen.text((place[0] * FINER, place[1] * FINER), text, colour, font, anchor=anchor)
        return self._pen.textlength(text, font) / FINER

    def paste(self, picture: Image.Image, box: tuple[int, int, int, int]) -> None:
        """A picture into (left, top, right, bottom)."""
        left, top, right, bottom = (side * FINER for side in box)
        self._sheet.paste(picture.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))

    def finished(self) -> Image.Image:
        """The picture in its size."""
        return self._sheet.resize((self.width, self.height), Image.Resampling.LANCZOS)


def dashed(points: Sequence[Point], on: float, off: float) -> list[list[Point]]:
    """The parts of a line that dashes leave, ``on`` pixels drawn and ``off`` left out in turn."""
    parts: list[list[Point]] = []
    place, drawing = 0.0, False
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        done = 0.0
        while done < length:
            within = place % (on + off)
            inside = within < on
            step = min((on if inside else on + off) - within, length - done)
            begin, end = ((x0 + (x1 - x0) * s / length, y0 + (y1 - y0) * s / length) for s in (done, done + step))
            if inside and drawing:
                parts[-1].append(end)
            elif inside:
                parts.append([begin, end])
            drawing = inside
            place, done = place + step, done + max(step, 1e-6)
    return parts
