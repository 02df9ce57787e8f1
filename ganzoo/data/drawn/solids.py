"""``solids``: shapes of ten classes in three dimensions, made of boxes and round parts with random proportions.

A sample is a grid of voxels, 255 where it is solid and 0 elsewhere: one channel, then depth, height and width, with
the top in the first row as in an image. Shapes stand on the floor, in the middle, and look towards the last depth.

Random numbers are raw PCG64 output and a voxel is asked at its centre by single IEEE operations, so bytes are meant
to be the same on every machine. What is thinner than a voxel is made one voxel thick, so that no leg goes missing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.resize import check_request
from ganzoo.data.sampler import derived_seed
from ganzoo.data.specs import own_spec
from ganzoo.data.specs.drawn import SOLIDS
from ganzoo.errors import ConfigError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Range = tuple[Array | float, Array | float]
"""Where something begins and ends along an axis, as shares of the side: one number for all shapes, or one for each."""
COUNTS = {"train": 5_000, "test": 1_000}
DEFAULT_RESOLUTION = 32
LEAST, MOST = 16, 64
"""Sides, in voxels."""
COLUMNS = 10
"""Uniform numbers drawn for each sample."""
CHUNK = 2**20
"""Voxels that are filled at once: what fits into a processor's cache."""
Z, H, X = 0, 1, 2
"""The axes: depth, height above the floor, width."""


def load(request: DataRequest) -> Dataset:
    """Shapes with their classes: 5,000 to train on or 1,000 to test with, by default of 32x32x32 voxels.

    Fields: ``images``, uint8 [N, 1, side, side, side], 0 or 255; ``labels``.

    Raises:
        ConfigError: a side out of range, or shapes that do not fit into memory.
    """
    check_request(request, own_spec("solids"))
    count, side = COUNTS[request.split], request.resolution or DEFAULT_RESOLUTION
    if not LEAST <= side <= MOST:
        raise ConfigError(f"resolution = {side}: solids have {LEAST} to {MOST} voxels a side.")
    if count * side**3 > request.memory:
        raise ConfigError(f"resolution = {side}: {count:,} solids of this size do not fit into memory.")
    shapes = np.arange(count) % len(SOLIDS)
    voxels = torch.from_numpy(render(shapes, _draw(count, request.split, request.seed), side))
    labels = torch.from_numpy(shapes)
    info = DataInfo(
        name=request.name,
        kind="voxels",
        shape=tuple(voxels.shape[1:]),
        classes=SOLIDS,
        count=count,
        split=request.split,
        digest=digest(voxels, labels),
    )
    return Dataset(info, {"images": voxels, "labels": labels})


def _draw(count: int, split: str, seed: int) -> Array:
    """Uniform numbers in [0, 1), float64 [count, COLUMNS]."""
    raw = np.random.PCG64(derived_seed("solids", split, seed)).random_raw(count * COLUMNS)
    mantissas: Array = (raw >> np.uint64(11)).astype(np.float64)
    return mantissas.reshape(count, COLUMNS) * 2.0**-53


def render(shapes: NDArray[np.int64], uniform: Array, side: int) -> NDArray[np.uint8]:
    """Shapes of these classes and numbers as voxels, uint8 [N, 1, side, side, side]."""
    out = np.empty((len(shapes), 1, side, side, side), dtype=np.uint8)
    step = max(1, CHUNK // side**3)
    for label, name in enumerate(SOLIDS):
        own = np.flatnonzero(shapes == label)
        for start in range(0, len(own), step):
            rows = own[start : start + step]
            canvas = Canvas(len(rows), side)
            BUILDERS[name](canvas, Numbers(uniform[rows]))
            out[rows, 0] = canvas.solid[:, :, ::-1] * np.uint8(255)  # heights grow upwards, rows of a picture downwards
    return out


class Numbers:
    """The random numbers of some shapes, used up one column at a time."""

    def __init__(self, uniform: Array) -> None:
        self._columns = iter(uniform.T)

    def between(self, least: float, most: float) -> Array:
        """A length between two, as a share of the side, [N]."""
        return least + next(self._columns) * (most - least)

    def chance(self, share: float) -> Mask:
        """Whether something is so, for so large a share of the shapes, [N]."""
        return next(self._columns) < share


class Canvas:
    """``count`` shapes that are put together, ``solid`` is [count, depth, height above the floor, width].

    Positions are shares of the side. Each part may be limited to those shapes for which ``where`` is true.
    """

    def __init__(self, count: int, side: int) -> None:
        self.count, self.side = count, side
        self.solid: Mask = np.zeros((count, side, side, side), dtype=bool)
        self.centres: Array = (np.arange(side) + 0.5) / side

    def column(self, value: Array | float) -> Array:
        """A number for each shape, [count, 1]."""
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (self.count,))[:, None]

    def within(self, span: Range) -> Mask:
        """The voxels of an axis between two positions, at least one, [count, side]."""
        low, high = map(self.column, span)
        middle, half = (low + high) / 2, np.maximum((high - low) / 2, 0.5 / self.side)
        found: Mask = (self.centres >= middle - half) & (self.centres < middle + half)
        return found

    def along(self, axis: int, values: NDArray[Any]) -> NDArray[Any]:
        """Values [count, side] of one axis, to be combined with those of others."""
        return values.reshape(self.count, *(self.side if each == axis else 1 for each in range(3)))

    def add(self, part: Mask, where: Mask | bool = True, cut: bool = False) -> None:
        """Join a part [count, side, side, side], or cut it out."""
        part = part & np.broadcast_to(where, (self.count,))[:, None, None, None]
        if cut:
            self.solid &= ~part
        else:
            self.solid |= part

    def box(self, x: Range, h: Range, z: Range, where: Mask | bool = True, cut: bool = False) -> None:
        """A box."""
        masks = [self.along(axis, self.within(span)) for axis, span in ((Z, z), (H, h), (X, x))]
        self.add(masks[0] & masks[1] & masks[2], where, cut)

    def mirrored(self, x: Range, h: Range, z: Range, where: Mask | bool = True) -> None:
        """A box, and its mirror image on the other side of the middle."""
        self.box(x, h, z, where)
        self.box((1 - np.asarray(x[1]), 1 - np.asarray(x[0])), h, z, where)

    def round(
        self,
        axis: int,
        span: Range,
        centre: tuple[Array | float, Array | float],
        radius: tuple[Array | float, Array | float],
        inner: Array | float = 0.0,
        where: Mask | bool = True,
        cut: bool = False,
    ) -> None:
        """A cylinder, cone or ring about a line along an axis.

        Args:
            span: where it begins and ends on that axis.
            centre: where the line is on the two other axes, in their order.
            radius: at the beginning and at the end.
            inner: radius of a hole.
        """
        low, high = map(self.column, span)
        share = np.clip((self.centres - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        first, last = map(self.column, radius)
        # Half the diagonal of a voxel: a thinner pole would pass between the centres.
        reach = np.maximum(first + share * (last - first), 0.72 / self.side)
        others = [each for each in (Z, H, X) if each != axis]
        squares = [np.square(self.centres - self.column(place)) for place in centre]
        distance = self.along(others[0], squares[0]) + self.along(others[1], squares[1])
        inside = distance <= self.along(axis, np.square(reach))
        hole = np.square(self.column(inner))[:, :, None, None]
        self.add(self.along(axis, self.within(span)) & inside & (distance >= hole), where, cut)

    def ball(
        self, centre: tuple[Array | float, ...], radius: tuple[Array | float, ...], where: Mask | bool = True
    ) -> None:
        """An ellipsoid: centre and radius for depth, height and width."""
        parts = [
            self.along(axis, np.square((self.centres - self.column(c)) / self.column(r)))
            for axis, c, r in zip((Z, H, X), centre, radius, strict=True)
        ]
        self.add(parts[0] + parts[1] + parts[2] <= 1.0, where)

    def wedge(
        self, axis: int, h: Range, half: tuple[Array | float, Array | float], other: Range, where: Mask | bool = True
    ) -> None:
        """What gets narrower upwards along one axis, about the middle, such as a roof.

        Args:
            half: half its extent at the bottom and at the top.
            other: its extent on the third axis.
        """
        low, high = map(self.column, h)
        share = np.clip((self.centres - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        first, last = map(self.column, half)
        reach = np.maximum(first + share * (last - first), 0.5 / self.side)
        near = self.along(axis, np.abs(self.centres - 0.5)[None].repeat(self.count, 0)) < self.along(H, reach)
        self.add(near & self.along(H, self.within(h)) & self.along(X + Z - axis, self.within(other)), where)

    def wings(self, h: Range, z: Range, sweep: Array | float, reach: Array | float, where: Mask | bool = True) -> None:
        """A flat part to both sides of the middle, its far ends set back by ``sweep`` times their distance, and half
        as deep."""
        away = np.abs(self.centres - 0.5)[None]
        first, last = map(self.column, z)
        middle = (first + last) / 2 - self.column(sweep) * away
        half = np.maximum((last - first) / 2 * (1 - 0.5 * away / np.maximum(self.column(reach), 1e-9)), 0.5 / self.side)
        flat = np.abs(self.centres[None, :, None] - middle[:, None]) <= half[:, None]
        flat &= (away <= self.column(reach))[:, None]
        self.add(flat[:, :, None, :] & self.along(H, self.within(h)), where)


def middle(extent: Array | float) -> tuple[Array | float, Array | float]:
    """A range of that length about the middle."""
    return 0.5 - extent / 2, 0.5 + extent / 2


def legs(canvas: Canvas, width: Array, depth: Array, height: Array, thick: Array, where: Mask | bool = True) -> None:
    """Four legs below a rectangle."""
    (left, _), (back, front) = middle(width), middle(depth)
    for z in ((back, back + thick), (front - thick, front)):
        canvas.mirrored((left, left + thick), (0.0, height), z, where)


def bed(canvas: Canvas, u: Numbers) -> None:
    """A frame on legs with a mattress, pillows, a headboard and maybe a footboard."""
    width, length = u.between(0.45, 0.75), u.between(0.8, 0.95)
    low, top, head = u.between(0.08, 0.18), u.between(0.28, 0.4), u.between(0.45, 0.7)
    x, (back, front) = middle(width), middle(length)
    legs(canvas, width, length, low, np.full_like(width, 0.07))
    canvas.box(x, (low, top), (back, front))
    canvas.box(x, (0.0, head), (back, back + 0.06))
    canvas.box(x, (0.0, top + u.between(0.06, 0.14)), (front - 0.06, front), u.chance(0.5))
    two = u.chance(0.6)
    canvas.box(middle(0.7 * width), (top, top + 0.06), (back + 0.08, back + 0.22), ~two)
    canvas.mirrored((0.5 - 0.43 * width, 0.5 - 0.07 * width), (top, top + 0.06), (back + 0.08, back + 0.22), two)


def bottle(canvas: Canvas, u: Numbers) -> None:
    """A body, a shoulder, a neck and maybe a cap."""
    radius, body, neck = u.between(0.14, 0.3), u.between(0.4, 0.6), u.between(0.06, 0.1)
    shoulder, height, middle_ = body + u.between(0.05, 0.15), u.between(0.82, 0.95), (0.5, 0.5)
    canvas.round(H, (0.0, body), middle_, (radius * u.between(0.8, 1.0), radius))
    canvas.round(H, (body, shoulder), middle_, (radius, neck))
    canvas.round(H, (shoulder, height), middle_, (neck, neck))
    canvas.round(H, (height - 0.09, height), middle_, (neck + 0.04, neck + 0.04), where=u.chance(0.5))


def car(canvas: Canvas, u: Numbers) -> None:
    """A body on four wheels with a cabin, which reaches over all of a van."""
    width, length, wheel = u.between(0.36, 0.48), u.between(0.8, 0.95), u.between(0.08, 0.11)
    body, roof, van = u.between(0.26, 0.34), u.between(0.42, 0.52), u.chance(0.3)
    x, (back, front) = middle(width), middle(length)
    canvas.box(x, (wheel, body), (back, front))
    first = back + length * u.between(0.05, 0.25)
    last = first + length * u.between(0.4, 0.55)
    canvas.wedge(X, (body, roof), (width / 2, 0.4 * width), (first, last), ~van)
    canvas.box(x, (body, roof + 0.06), (back, front - 0.12 * length), van)
    for place in (back + 0.2 * length, front - 0.2 * length):
        for span in ((x[0] - 0.03, x[0] + 0.07), (x[1] - 0.07, x[1] + 0.03)):
            canvas.round(X, span, (place, wheel), (wheel, wheel))


def chair(canvas: Canvas, u: Numbers) -> None:
    """A seat on four legs or one foot, with a back of one piece or of bars, and maybe arms."""
    width, depth = u.between(0.42, 0.7), u.between(0.42, 0.66)
    seat, top, thick = u.between(0.32, 0.48), u.between(0.75, 0.95), u.between(0.06, 0.1)
    one_foot, bars, arms = u.chance(0.3), u.chance(0.4), u.chance(0.35)
    (left, right), (back, front) = middle(width), middle(depth)
    legs(canvas, width, depth, seat, thick, ~one_foot)
    canvas.round(H, (0.0, seat), (0.5, 0.5), (0.05, 0.05), where=one_foot)
    canvas.round(H, (0.0, 0.06), (0.5, 0.5), (0.4 * width, 0.4 * width), where=one_foot)
    canvas.box((left, right), (seat, seat + 0.07), (back, front))
    canvas.box((left, right), (seat, top), (back, back + 0.07), ~bars)
    canvas.mirrored((left, left + 0.07), (seat, top), (back, back + 0.07), bars)
    canvas.box(middle(0.07), (seat, top), (back, back + 0.07), bars)
    canvas.box((left, right), (top - 0.09, top), (back, back + 0.07), bars)
    rest = seat + 0.2
    canvas.mirrored((left, left + 0.06), (rest, rest + 0.06), (back, front), arms)
    canvas.mirrored((left, left + 0.06), (seat, rest), (front - 0.07, front), arms)


def house(canvas: Canvas, u: Numbers) -> None:
    """Walls, a roof with its ridge from front to back, a door, and maybe a chimney."""
    width, depth = u.between(0.5, 0.82), u.between(0.5, 0.9)
    wall, ridge, over = u.between(0.3, 0.5), u.between(0.68, 0.92), u.between(0.03, 0.07)
    (left, right), (back, front) = middle(width), middle(depth)
    canvas.box((left, right), (0.0, wall), (back, front))
    canvas.wedge(X, (wall, ridge), (width / 2 + over, 0.0), (back - over, front + over))
    canvas.box((left + 0.1, left + 0.2), (wall, ridge), (back + 0.1, back + 0.2), u.chance(0.6))
    door = left + width * u.between(0.3, 0.7)
    canvas.box((door - 0.07, door + 0.07), (0.0, 0.22), (front - 0.08, front + 0.01), cut=True)


def lamp(canvas: Canvas, u: Numbers) -> None:
    """A foot, a pole, and a shade that is a cone or a ball."""
    foot, height, shade = u.between(0.15, 0.26), u.between(0.75, 0.95), u.between(0.2, 0.34)
    wide, ball = u.between(0.22, 0.4), u.chance(0.3)
    narrow = wide * u.between(0.35, 0.75)
    canvas.round(H, (0.0, 0.06), (0.5, 0.5), (foot, foot))
    canvas.round(H, (0.0, height - shade / 2), (0.5, 0.5), (0.03, 0.03))
    canvas.round(H, (height - shade, height), (0.5, 0.5), (wide, narrow), where=~ball)
    half = shade / 2
    canvas.ball((0.5, height - half, 0.5), (half, half, half), ball)


def mug(canvas: Canvas, u: Numbers) -> None:
    """A cylinder with a hollow, and a handle at its right."""
    radius, height, wall = u.between(0.22, 0.32), u.between(0.5, 0.85), u.between(0.06, 0.09)
    centre, below = 0.42, radius * u.between(0.85, 1.0)
    ring = height * u.between(0.22, 0.32)
    canvas.round(Z, (0.45, 0.55), (height / 2, centre + radius), (ring, ring), inner=ring - 0.08)
    canvas.round(H, (0.0, height), (0.5, centre), (below, radius))
    canvas.round(H, (wall, height), (0.5, centre), (below - wall, radius - wall), cut=True)


def plane(canvas: Canvas, u: Numbers) -> None:
    """A fuselage, wings that are swept back, a tail, and maybe engines below the wings."""
    radius, length, reach = u.between(0.06, 0.1), u.between(0.8, 0.95), u.between(0.36, 0.48)
    sweep, deep, level = u.between(0.0, 0.6), u.between(0.16, 0.26), u.between(0.26, 0.36)
    place, tail, engines = u.between(0.5, 0.6), u.between(0.2, 0.3), u.chance(0.5)
    back, front = middle(length)
    centre = (level, 0.5)
    canvas.round(Z, (back, back + 0.2), centre, (0.4 * radius, radius))
    canvas.round(Z, (back + 0.2, front - 0.12), centre, (radius, radius))
    canvas.round(Z, (front - 0.12, front), centre, (radius, 0.3 * radius))
    canvas.wings((level - 0.03, level + 0.03), (place - deep / 2, place + deep / 2), sweep, reach)
    canvas.wings((level, level + 0.05), (back, back + 0.12), 0.3, 0.4 * reach)
    canvas.box(middle(0.06), (level, level + tail), (back, back + 0.11))
    under = place - 0.5 * sweep * reach + 0.04
    for x in (0.5 - 0.5 * reach, 0.5 + 0.5 * reach):
        canvas.round(Z, (under - 0.1, under + 0.1), (level - 0.06, x), (0.045, 0.045), where=engines)


def sofa(canvas: Canvas, u: Numbers) -> None:
    """A seat for several, with a back and arms; a part of some reaches to the front."""
    width, depth, seat = u.between(0.78, 0.95), u.between(0.38, 0.52), u.between(0.22, 0.3)
    back, arm, thick = u.between(0.45, 0.62), u.between(0.34, 0.44), u.between(0.07, 0.13)
    corner, behind = u.chance(0.35), u.between(0.1, 0.2)
    left, right = middle(width)
    front = behind + depth
    canvas.box((left, right), (0.06, seat), (behind, front))
    canvas.box((left, right), (0.06, back), (behind, behind + 0.13))
    canvas.mirrored((left, left + thick), (0.06, arm), (behind, front))
    canvas.box((right - 0.36 * width, right), (0.06, seat), (behind, front + 0.3), corner)
    canvas.mirrored((left, left + 0.07), (0.0, 0.06), (behind, behind + 0.07))
    canvas.mirrored((left, left + 0.07), (0.0, 0.06), (front - 0.07, front))


def table(canvas: Canvas, u: Numbers) -> None:
    """A top, round or not, on four legs, one foot or two boards."""
    width, depth, height = u.between(0.6, 0.95), u.between(0.5, 0.95), u.between(0.38, 0.68)
    top, thick = u.between(0.06, 0.1), u.between(0.06, 0.1)
    disc, feet = u.chance(0.4), u.between(0.0, 1.0)
    radius = np.minimum(width, depth) / 2
    canvas.box(middle(width), (height, height + top), middle(depth), ~disc)
    canvas.round(H, (height, height + top), (0.5, 0.5), (radius, radius), where=disc)
    inside = np.where(disc, 1.3 * radius, width), np.where(disc, 1.3 * radius, depth)
    legs(canvas, *inside, height, thick, feet < 0.5)
    one_foot = (feet >= 0.5) & (feet < 0.8)
    canvas.round(H, (0.0, height), (0.5, 0.5), (0.06, 0.06), where=one_foot)
    canvas.round(H, (0.0, 0.06), (0.5, 0.5), (0.6 * radius, 0.6 * radius), where=one_foot)
    left = (1 - inside[0]) / 2
    canvas.mirrored((left, left + thick), (0.0, height), middle(inside[1]), feet >= 0.8)


BUILDERS: dict[str, Callable[[Canvas, Numbers], None]] = {
    "bed": bed, "bottle": bottle, "car": car, "chair": chair, "house": house, "lamp": lamp, "mug": mug,
    "plane": plane, "sofa": sofa, "table": table,
}  # fmt: skip
