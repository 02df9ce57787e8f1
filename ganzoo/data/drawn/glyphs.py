"""``glyphs``: labelled digits, drawn on the spot from an embedded font of strokes; no download.

Each digit has three shapes, given as pen strokes. A sample picks one and a random slant, rotation, weight, place and
size. Each shape becomes a map of distances to its strokes once; drawing a sample is then one look-up per pixel.

Bytes are meant to be the same on every machine: random numbers are raw PCG64 output, which NumPy keeps stable, and
pixels come from single IEEE operations on arrays, without a transcendental function or a system font.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, MemorySource, Source, digest
from ganzoo.data.progress import Progress, silent
from ganzoo.data.resize import check_request
from ganzoo.data.sampler import derived_seed
from ganzoo.data.specs import own_spec

COUNTS = {"train": 20_000, "test": 4_000}
DEFAULT_RESOLUTION = 28

# Strokes in a box 60 wide and 100 high, y downwards: M x y moves the pen, L x y draws a line, C a cubic Bezier curve.
FONT: dict[int, tuple[str, str, str]] = {
    0: (
        "M30 0 C50 0 60 22 60 50 C60 78 50 100 30 100 C10 100 0 78 0 50 C0 22 10 0 30 0",
        "M30 0 C46 0 52 20 52 50 C52 80 46 100 30 100 C14 100 8 80 8 50 C8 20 14 0 30 0",
        "M36 2 C18 -2 2 28 2 58 C2 84 12 100 27 100 C46 100 59 72 59 44 C59 18 50 3 30 4",
    ),
    1: (
        "M30 0 L30 100",
        "M14 22 L34 0 L34 100",
        "M12 20 L31 0 L31 100 M9 100 L53 100",
    ),
    2: (
        "M4 24 C4 8 15 0 30 0 C46 0 57 10 57 27 C57 46 38 60 2 100 L60 100",
        "M4 22 C8 5 20 0 31 0 C50 0 58 14 55 30 C52 52 26 74 4 98 C22 90 40 102 60 94",
        "M6 12 C16 2 26 0 34 0 C50 0 56 12 54 26 C51 48 20 68 4 100 L57 100",
    ),
    3: (
        "M4 14 C10 4 19 0 29 0 C44 0 54 9 54 24 C54 40 42 48 24 48 C46 48 58 58 58 74 C58 90 46 100 28 100 "
        "C16 100 6 95 0 84",
        "M4 0 L54 0 L25 40 C46 40 58 51 58 70 C58 89 44 100 27 100 C14 100 5 95 0 85",
        "M6 10 C18 -2 50 -4 50 22 C50 38 38 46 22 47 C44 46 56 56 56 73 C56 98 22 106 2 90",
    ),
    4: (
        "M44 100 L44 0 L0 68 L60 68",
        "M10 0 L3 54 L58 54 M46 4 L43 100",
        "M38 0 L0 64 L60 64 M43 36 L43 100",
    ),
    5: (
        "M54 0 L10 0 L6 44 C14 38 22 36 30 36 C48 36 58 48 58 67 C58 88 46 100 28 100 C15 100 6 95 0 86",
        "M52 2 L13 2 L9 42 C34 32 57 44 57 67 C57 92 30 106 2 92",
        "M57 4 C42 0 28 1 14 2 L10 46 C28 36 56 40 55 68 C54 94 26 104 4 96",
    ),
    6: (
        "M50 6 C44 1 38 0 33 0 C12 0 2 24 2 58 C2 86 12 100 31 100 C48 100 58 88 58 70 C58 52 47 41 31 41 "
        "C15 41 4 52 2 66",
        "M46 0 C22 14 4 40 4 68 C4 90 14 100 31 100 C48 100 57 88 57 72 C57 56 46 46 32 46 C18 46 7 56 4 70",
        "M34 0 C16 22 6 46 6 72 C6 92 16 100 29 100 C44 100 52 88 52 74 C52 58 40 52 30 54 C18 56 10 66 7 78",
    ),
    7: (
        "M2 0 L58 0 L20 100",
        "M2 0 L58 0 L22 100 M16 50 L54 50",
        "M4 12 L6 2 L58 2 C40 34 28 64 26 100",
    ),
    8: (
        "M30 47 C14 47 6 38 6 24 C6 9 15 0 30 0 C45 0 54 9 54 24 C54 38 46 47 30 47 C12 47 2 58 2 74 "
        "C2 91 13 100 30 100 C47 100 58 91 58 74 C58 58 48 47 30 47",
        "M50 14 C44 4 38 0 29 0 C14 0 6 10 8 22 C12 44 56 52 56 78 C56 92 44 100 30 100 C14 100 4 90 4 76 "
        "C4 52 52 42 52 20 C52 16 51 14 50 14",
        "M30 44 C18 44 12 34 12 22 C12 8 19 0 30 0 C41 0 48 8 48 22 C48 34 42 44 30 44 C16 44 6 56 6 72 "
        "C6 90 16 100 30 100 C44 100 54 90 54 72 C54 56 44 44 30 44",
    ),
    9: (
        "M10 94 C16 99 22 100 27 100 C48 100 58 76 58 42 C58 14 48 0 29 0 C12 0 2 12 2 30 C2 48 13 59 29 59 "
        "C45 59 56 48 58 34",
        "M56 28 C54 44 43 55 28 55 C12 55 2 44 2 28 C2 11 12 0 29 0 C46 0 57 11 56 28 L52 100",
        "M54 20 C48 4 38 0 28 0 C12 0 4 12 4 27 C4 44 14 53 27 53 C42 53 52 40 54 20 C54 52 46 80 26 100",
    ),
}  # fmt: skip
STYLES = 3
GRID = 128  # side of a distance map, which covers [-1, 1] in units of the height of a digit
CURVE_STEPS = 12
COLUMNS = 15  # uniform numbers drawn for each sample, see `_draw`

Array = NDArray[np.float32]


def polyline(path: str) -> NDArray[np.float64]:
    """The segments of a path, float64 [S, 2 ends, (x, y)], centred, in units of the height of a digit."""
    tokens = path.replace("M", " M ").replace("L", " L ").replace("C", " C ").split()
    segments, pen, at = [], np.zeros(2), 0
    while at < len(tokens):
        command, count = tokens[at], {"M": 1, "L": 1, "C": 3}[tokens[at]]
        numbers = np.array([float(token) for token in tokens[at + 1 : at + 1 + 2 * count]]).reshape(count, 2)
        points = (numbers - (30, 50)) / 100
        at += 1 + 2 * count
        if command == "L":
            segments.append(np.stack([pen, points[0]]))
        elif command == "C":
            t = (np.arange(CURVE_STEPS + 1) / CURVE_STEPS)[:, None]
            s = 1 - t
            curve = s * s * s * pen + 3 * s * s * t * points[0] + 3 * s * t * t * points[1] + t * t * t * points[2]
            segments.extend(np.stack([curve[:-1], curve[1:]], axis=1))
        pen = points[-1]
    return np.stack(segments)


@cache
def distance_maps() -> Array:
    """Distance to the nearest stroke, float32 [10 * STYLES, GRID, GRID], in units of the height of a digit."""
    axis = (np.arange(GRID) + 0.5) * (2 / GRID) - 1
    x, y = axis[None, :], axis[:, None]
    maps = np.empty((10 * STYLES, GRID, GRID), dtype=np.float32)
    for which, path in enumerate(path for digit in range(10) for path in FONT[digit]):
        nearest = np.full((GRID, GRID), np.inf)
        for (x0, y0), (x1, y1) in polyline(path):
            dx, dy = x1 - x0, y1 - y0
            along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)
            along = np.clip(along, 0, 1)
            nearest = np.minimum(nearest, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2)
        maps[which] = np.sqrt(nearest)
    return maps


def _draw(count: int, split: str, seed: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), float64 [count, COLUMNS]: everything that is random about the samples."""
    raw = np.random.PCG64(derived_seed("glyphs", split, seed)).random_raw(count * COLUMNS)
    mantissas: NDArray[np.float64] = (raw >> np.uint64(11)).astype(np.float64)
    return mantissas.reshape(count, COLUMNS) * 2.0**-53


def render(
    labels: NDArray[np.int64], uniform: NDArray[np.float64], resolution: int, channels: int
) -> NDArray[np.uint8]:
    """Images uint8 [N, channels, resolution, resolution] of digits ``labels`` [N], from numbers
    ``uniform`` [N, COLUMNS] in [0, 1).

    Grey is white on black; in RGB, digit and ground have random colours, one dark and one bright.
    """
    style, slant, turn, weight, height, width, left, top, swap = uniform[:, :9].T
    height = 0.56 + 0.20 * height  # of the image
    width = height * (0.85 + 0.35 * width)
    half_weight = 0.031 + 0.027 * weight
    slant = -0.12 + 0.42 * slant
    t = 0.08 * turn - 0.04  # tangent of half the angle of rotation, which needs no sine
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    # The digit must stay inside: half its height, half its width with the slant, and the weight of the stroke.
    room_y = np.maximum(0, 0.5 - height / 2 - half_weight - 0.02)
    room_x = np.maximum(0, 0.5 - 0.3 * width - np.abs(slant) * height / 2 - half_weight - 0.02)
    centre_x, centre_y = 0.5 + room_x * (2 * left - 1), 0.5 + room_y * (2 * top - 1)

    # Pixel -> digit: undo place, rotation, slant (x leans as y falls) and size.
    xx, xy = (cos + slant * -sin) / width, (sin + slant * cos) / width
    yx, yy = -sin / height, cos / height
    which = labels * STYLES + np.minimum((style * STYLES).astype(np.int64), STYLES - 1)
    pixels = (np.arange(resolution) + 0.5) / resolution
    px, py = pixels - centre_x[:, None], pixels - centre_y[:, None]
    distance = _look_up(
        which,
        (xx[:, None] * px).astype(np.float32)[:, None, :] + (xy[:, None] * py).astype(np.float32)[:, :, None],
        (yx[:, None] * px).astype(np.float32)[:, None, :] + (yy[:, None] * py).astype(np.float32)[:, :, None],
    )
    # Coverage of a pixel by the stroke: a ramp a little wider than a pixel about the edge.
    ramp = 1.25 / resolution
    slope = ((height + width) / 2 / ramp).astype(np.float32)[:, None, None]
    edge = (half_weight / ramp + 0.5).astype(np.float32)[:, None, None]
    cover = np.clip(edge - slope * distance, 0, 1)
    if channels == 1:
        return quantised(cover[:, None])
    dark, bright = 0.4 * uniform[:, 9:12], 1 - 0.4 * uniform[:, 12:15]
    ground = np.where(swap[:, None] < 0.5, dark, bright).astype(np.float32)[:, :, None, None]
    ink = np.where(swap[:, None] < 0.5, bright, dark).astype(np.float32)[:, :, None, None]
    return quantised(ground + cover[:, None] * (ink - ground))


def quantised(values: Array) -> NDArray[np.uint8]:
    """[0, 1] -> 0..255, rounded to nearest."""
    whole: NDArray[np.uint8] = np.rint(values * np.float32(255)).astype(np.uint8)
    return whole


def _look_up(which: NDArray[np.int64], x: Array, y: Array) -> Array:
    """Distance maps ``which`` [N], interpolated linearly at ``x``, ``y`` [N, R, R] in digit coordinates."""
    maps = distance_maps().reshape(-1)
    last = np.float32(GRID - 1.001)
    gx = np.clip(x * np.float32(GRID / 2) + np.float32(GRID / 2 - 0.5), 0, last)
    gy = np.clip(y * np.float32(GRID / 2) + np.float32(GRID / 2 - 0.5), 0, last)
    column, row = gx.astype(np.int32), gy.astype(np.int32)
    fx, fy = gx - column.astype(np.float32), gy - row.astype(np.float32)
    at = (which.astype(np.int32) * (GRID * GRID))[:, None, None] + row * GRID + column
    upper = maps[at] + fx * (maps[at + 1] - maps[at])
    lower = maps[at + GRID] + fx * (maps[at + GRID + 1] - maps[at + GRID])
    between: Array = upper + fy * (lower - upper)
    return between


class GlyphSource:
    """Digits drawn when they are fetched, for resolutions at which they would fill the memory."""

    def __init__(
        self, labels: Tensor, uniform: NDArray[np.float64], resolution: int, channels: int, device: torch.device
    ) -> None:
        self.labels, self.uniform = labels, uniform
        self.resolution, self.channels, self.device = resolution, channels, device

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, indices: Tensor) -> Tensor:
        return self.draw(indices.cpu()).to(self.device)

    def draw(self, indices: Tensor, progress: Progress = silent) -> Tensor:
        """uint8 [N, C, H, W] on the CPU, about a million pixels at a time."""
        out = torch.empty((len(indices), self.channels, self.resolution, self.resolution), dtype=torch.uint8)
        step = max(1, 2**20 // self.resolution**2)
        for start in range(0, len(indices), step):
            rows = indices[start : start + step].numpy()
            images = render(self.labels.numpy()[rows], self.uniform[rows], self.resolution, self.channels)
            out[start : start + step] = torch.from_numpy(images)
            progress("drawing", start + len(rows), len(indices))
        return out

    def prefetch(self, indices: Tensor) -> None:
        """Nothing to do: drawing a batch takes no longer than reading it would."""

    def to(self, device: torch.device) -> "GlyphSource":
        return GlyphSource(self.labels, self.uniform, self.resolution, self.channels, device)

    def close(self) -> None:
        """Nothing to close."""


RECENT = 4
# The sets that were drawn last: a process that trains several variants draws them once. Samples are never written to.
_recent: dict[tuple[str, int, int, int], tuple[Tensor, str]] = {}


def load(request: DataRequest) -> Dataset:
    """Digits with their labels, all ten equally frequent: 20,000 to train on or 4,000 to test with.

    ``request.resolution`` defaults to 28, ``request.channels`` to 1; the same seed gives the same digits at every
    resolution.
    """
    spec = own_spec("glyphs")
    check_request(request, spec)
    count = COUNTS[request.split]
    resolution, channels = request.resolution or DEFAULT_RESOLUTION, request.channels or 1
    labels = torch.arange(count) % 10
    uniform = _draw(count, request.split, request.seed)
    source: Source = (drawn := GlyphSource(labels, uniform, resolution, channels, torch.device("cpu")))
    if count * channels * resolution * resolution <= request.memory:
        key = (request.split, request.seed, resolution, channels)
        if key not in _recent:
            if len(_recent) == RECENT:
                _recent.pop(next(iter(_recent)))
            images = drawn.draw(torch.arange(count), request.progress)
            _recent[key] = images, digest(images, labels)
        source, checksum = MemorySource(_recent[key][0]), _recent[key][1]
    else:
        checksum = digest(torch.from_numpy(uniform), labels)
    info = DataInfo(
        name=request.name,
        kind="images",
        shape=(channels, resolution, resolution),
        classes=spec.classes or (),
        count=count,
        split=request.split,
        digest=checksum,
    )
    return Dataset(info, {"images": source, "labels": labels})
