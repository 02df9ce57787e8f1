"""``shapes``: coloured shapes with their outlines, masks and captions, drawn on the spot; no download.

A sample is one of 8 shapes in one of 8 colours, small or large, turned, anywhere on white. It comes as an outline in
its colour (``images``), filled (``target``), as the mask of its area (``mask``), and described (``text``). Of
``shapes-filled`` the filled ones are the images.

Each shape becomes a map of distances to its edge once; drawing a sample is then one look-up per pixel. Random numbers
are raw PCG64 output and pixels come from single IEEE operations, so bytes are meant to be the same on every machine.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.resize import check_request, convert_channels
from ganzoo.data.sampler import derived_seed
from ganzoo.data.specs import own_spec
from ganzoo.data.specs.drawn import SHAPES
from ganzoo.data.texts import facts
from ganzoo.errors import ConfigError

Array = NDArray[np.float64]
COUNTS = {"train": 10_000, "test": 2_000}
DEFAULT_RESOLUTION = 32
COLUMNS = 6
"""Uniform numbers drawn for each sample."""
COLOURS = {
    "red": (214, 39, 40), "orange": (255, 127, 14), "yellow": (240, 200, 20), "green": (44, 160, 44),
    "cyan": (23, 190, 207), "blue": (31, 80, 200), "purple": (148, 80, 189), "black": (40, 40, 40),
}  # fmt: skip
WARM = ("red", "orange", "yellow")
ATTRIBUTES = ("large", "warm")
SIZES = {"small": (0.17, 0.24), "large": (0.32, 0.42)}
"""Half the extent of a shape, as a share of the image's side: least and most."""
LENGTH = 32
"""Bytes of a caption; shorter ones end in zeros."""
GRID = 256
"""The maps of distances have so many cells for a shape's half extent."""
REACH = 1.5
"""How far a map of distances reaches, in half extents."""
LINE = 0.045
"""Width of an outline, as a share of the image's side."""
CORNERS: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)),
    "triangle": ((0.0, -1.0), (0.87, 0.5), (-0.87, 0.5)),
    "diamond": ((0.0, -1.0), (0.6, 0.0), (0.0, 1.0), (-0.6, 0.0)),
    "star": (
        (0.0, -1.0), (0.235, -0.324), (0.951, -0.309), (0.38, 0.124), (0.588, 0.809), (0.0, 0.4),
        (-0.588, 0.809), (-0.38, 0.124), (-0.951, -0.309), (-0.235, -0.324),
    ),
    "cross": (
        (-0.3, -0.9), (0.3, -0.9), (0.3, -0.3), (0.9, -0.3), (0.9, 0.3), (0.3, 0.3),
        (0.3, 0.9), (-0.3, 0.9), (-0.3, 0.3), (-0.9, 0.3), (-0.9, -0.3), (-0.3, -0.3),
    ),
    "arrow": (
        (0.0, -1.0), (0.75, -0.15), (0.3, -0.15), (0.3, 0.9), (-0.3, 0.9), (-0.3, -0.15), (-0.75, -0.15),
    ),
}  # fmt: skip


def load(request: DataRequest) -> Dataset:
    """Outlined and filled shapes: 10,000 to train on or 2,000 to test with, by default at 32x32 in RGB.

    Fields: ``images`` and ``target``; ``mask`` in one channel; ``labels``, the shapes; ``text``, int64 [N, 32], the
    bytes of a caption such as "a small red star"; ``attributes``, float32 [N, 2], whether it is large, and of a warm
    colour. ``shapes-filled`` has the filled ones as ``images``, and no ``target``.
    """
    spec = own_spec(request.name)
    check_request(request, spec)
    count, side = COUNTS[request.split], request.resolution or DEFAULT_RESOLUTION
    if count * 7 * side * side > request.memory:
        raise ConfigError(f"resolution = {side}: {count:,} shapes of this size do not fit into memory.")
    uniform = _draw(count, request.split, request.seed)
    shapes = np.arange(count) % len(SHAPES)
    outline, filled, mask = (torch.from_numpy(each) for each in render(shapes, uniform, side))
    if request.channels:
        outline, filled = (convert_channels(each, request.channels).contiguous() for each in (outline, filled))
    labels, text = torch.from_numpy(shapes), captions(shapes, uniform)
    images = {"images": outline, "target": filled} if request.name == "shapes" else {"images": filled}
    fields = {**images, "mask": mask, "labels": labels, "text": text}
    extra = {"attributes": list(ATTRIBUTES), **facts([*SIZES, *COLOURS, *SHAPES, "a"], LENGTH)}
    info = DataInfo(
        name=request.name,
        kind="images",
        shape=tuple(outline.shape[1:]),
        classes=SHAPES,
        count=count,
        split=request.split,
        digest=digest(*fields.values()),
        extra={"target_shape": list(filled.shape[1:]), **extra} if "target" in fields else extra,
    )
    return Dataset(info, {**fields, "attributes": attributes_of(uniform)})


def _draw(count: int, split: str, seed: int) -> Array:
    """Uniform numbers in [0, 1), float64 [count, COLUMNS]: colour, size, how large, turn, left, top."""
    raw = np.random.PCG64(derived_seed("shapes", split, seed)).random_raw(count * COLUMNS)
    mantissas: Array = (raw >> np.uint64(11)).astype(np.float64)
    return mantissas.reshape(count, COLUMNS) * 2.0**-53


def attributes_of(uniform: Array) -> Tensor:
    """float32 [N, 2], each 0 or 1: what captions say too, so the digest holds it already."""
    colour, size = uniform[:, 0], uniform[:, 1]
    large = (size * len(SIZES)).astype(int) == list(SIZES).index("large")
    warm = np.array([name in WARM for name in COLOURS])[(colour * len(COLOURS)).astype(int)]
    return torch.from_numpy(np.stack([large, warm], 1).astype(np.float32))


def captions(shapes: NDArray[np.int64], uniform: Array) -> Tensor:
    """Captions as bytes, int64 [N, LENGTH]."""
    out = torch.zeros((len(shapes), LENGTH), dtype=torch.int64)
    sizes, colours = list(SIZES), list(COLOURS)
    for i, (shape, (colour, size, *_)) in enumerate(zip(shapes, uniform, strict=True)):
        text = f"a {sizes[int(size * len(sizes))]} {colours[int(colour * len(colours))]} {SHAPES[shape]}".encode()
        out[i, : len(text)] = torch.tensor(list(text))
    return out


def render(shapes: NDArray[np.int64], uniform: Array, side: int) -> tuple[NDArray[np.uint8], ...]:
    """Outlined and filled, uint8 [N, 3, side, side], and their masks, uint8 [N, 1, side, side]."""
    outline = np.empty((len(shapes), 3, side, side), dtype=np.uint8)
    filled, mask = np.empty_like(outline), np.empty((len(shapes), 1, side, side), dtype=np.uint8)
    step = max(1, 2**20 // side**2)
    for start in range(0, len(shapes), step):
        rows = slice(start, start + step)
        distance = distances(shapes[rows], uniform[rows], side)  # in pixels, below 0 inside
        inside = np.clip(0.5 - distance, 0.0, 1.0)[:, None]
        on_line = np.clip(0.5 + max(1.0, LINE * side) / 2 - np.abs(distance), 0.0, 1.0)[:, None]
        colours = np.array(list(COLOURS.values()), dtype=np.float64)[(uniform[rows, 0] * len(COLOURS)).astype(int)]
        ink = colours[:, :, None, None]
        outline[rows] = np.rint(255 + (ink - 255) * on_line)
        filled[rows] = np.rint(255 + (ink - 255) * inside)
        mask[rows] = np.rint(255 * inside)
    return outline, filled, mask


def distances(shapes: NDArray[np.int64], uniform: Array, side: int) -> Array:
    """Distance of each pixel to the edge of its sample's shape, in pixels, below 0 inside: [N, side, side]."""
    _, size, how, turn, left, top = uniform.T
    least, most = np.array(list(SIZES.values()))[(size * len(SIZES)).astype(int)].T
    half = (least + how * (most - least)) * side
    t = 0.54 * turn - 0.27  # tangent of half the angle, up to 30 degrees to each side, which needs no sine
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    free = side - 2 * half
    x0, y0 = half + left * free, half + top * free
    grid = np.arange(side) + 0.5
    x = (grid[None, None, :] - x0[:, None, None]) / half[:, None, None]
    y = (grid[None, :, None] - y0[:, None, None]) / half[:, None, None]
    u, v = x * cos[:, None, None] + y * sin[:, None, None], y * cos[:, None, None] - x * sin[:, None, None]
    last = 2 * int(REACH * GRID)
    column = np.clip(np.rint((u + REACH) * GRID), 0, last).astype(np.int64)
    row = np.clip(np.rint((v + REACH) * GRID), 0, last).astype(np.int64)
    found: Array = maps()[shapes[:, None, None], row, column] * half[:, None, None]
    return found


@cache
def maps() -> Array:
    """Distance to the edge of each shape in half extents, below 0 inside: [shapes, rows, columns]."""
    line = np.arange(2 * int(REACH * GRID) + 1) / GRID - REACH
    x, y = np.meshgrid(line, line)
    radius = np.sqrt(x * x + y * y)
    round_ones = {"circle": radius - 0.9, "ring": np.abs(radius - 0.65) - 0.25}
    return np.stack([round_ones[name] if name in round_ones else polygon(CORNERS[name], x, y) for name in SHAPES])


def polygon(corners: tuple[tuple[float, float], ...], x: Array, y: Array) -> Array:
    """Distance of points to the edge of a polygon, below 0 inside."""
    nearest, inside = np.full(x.shape, np.inf), np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
        ex, ey = bx - ax, by - ay
        along = np.clip(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey), 0.0, 1.0)
        dx, dy = x - ax - along * ex, y - ay - along * ey
        nearest = np.minimum(nearest, dx * dx + dy * dy)
        crosses = (ay > y) != (by > y)
        if by != ay:
            inside ^= crosses & (x < ax + (y - ay) * ex / ey)
    found: Array = np.where(inside, -1.0, 1.0) * np.sqrt(nearest)
    return found
