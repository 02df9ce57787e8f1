"""Voxels [N, C, D, H, W] in [-1, 1], above 0 is solid: drawn from above, from all sides, and written as meshes.

The axes are depth (the last is the nearest), height (the first is the top, as in an image) and width.
"""

import importlib.util
import math
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from ganzoo.data.base import DataInfo, to_unit
from ganzoo.errors import UsageError
from ganzoo.runtime.files import replace_file

SIDES = 12
"""Sides that voxels can be seen from, each 30 degrees further around."""
FIRST, ABOVE = math.radians(45), math.radians(28)
"""The first side is seen from so far to the right of the front, so that none looks at a single face; all from so far
above."""
LIGHT = (-0.35, 0.75, 0.55)
"""Where light comes from: right, up, towards the viewer."""
BACKGROUND, DARK, BRIGHT = 245, 75, 235
LEAST_SCALE, EXTENT = 1.5, 80
"""Pixels of a voxel's side at least, and of the side of a small grid."""
FINER = 2
"""Pictures are drawn so many times finer, and averaged: edges are smooth."""
INSTALL = "pip install 'ganzoo[voxels]'"


def is_solid(voxels: Tensor) -> Tensor:
    """Which voxels are solid, bool [N, D, H, W]: those whose first channel is above 0, of uint8 above half."""
    return to_unit(voxels[:, 0].cpu()) > 0


def draw_voxels(voxels: Tensor, side: float = 0) -> Tensor:
    """Voxels [N, C, D, H, W] seen from above: uint8 [N, 1, H', W'], without perspective.

    Points on the faces of solid voxels are scattered into a buffer that keeps the nearest. A face is the brighter the
    more it looks to the light.

    Args:
        side: from where, in twelfths of a turn; not only whole ones.
    """
    solid = is_solid(voxels)
    n, depth, height, width = solid.shape
    around = FIRST + side * (2 * math.pi / SIDES)
    scale = FINER * max(LEAST_SCALE, EXTENT / max(depth, height, width))
    # Where x, up and z lead to: right, up and towards the viewer.
    camera = torch.tensor(
        [
            [math.cos(around), 0.0, -math.sin(around)],
            [-math.sin(ABOVE) * math.sin(around), math.cos(ABOVE), -math.sin(ABOVE) * math.cos(around)],
            [math.cos(ABOVE) * math.sin(around), math.sin(ABOVE), math.cos(ABOVE) * math.cos(around)],
        ]
    )
    diagonal = math.hypot(depth, width)
    tall = diagonal * math.sin(ABOVE) + height * math.cos(ABOVE)
    rows, columns = (FINER * (math.ceil(extent * scale / FINER) + 2) for extent in (tall, diagonal))
    light = torch.tensor(LIGHT)
    sheet = torch.zeros(n * rows * columns, dtype=torch.int64)
    for face, normal in faces(solid, camera):
        where, points = face
        right, up, near = (points @ camera.T).unbind(-1)
        row = (rows / 2 - up * scale).floor().long().clamp(0, rows - 1)
        column = (columns / 2 + right * scale).floor().long().clamp(0, columns - 1)
        shade = DARK + (BRIGHT - DARK) * max(0.0, float(light @ (camera @ normal)) / float(light.norm()))
        # What is farther away is a little darker, which sets parts of one direction apart.
        shades = (shade * (0.9 + 0.2 * near / (diagonal + height))).round().clamp(1, 255).long()
        order = ((near + diagonal + height) * 64).long()
        place = (where[:, None] * rows + row) * columns + column
        sheet.scatter_reduce_(0, place.flatten(), (order * 256 + shades).flatten(), "amax")
    drawn = torch.where(sheet > 0, sheet % 256, BACKGROUND).view(n, 1, rows, columns)
    return avg_pool2d(drawn.float(), FINER).round().to(torch.uint8)


def faces(solid: Tensor, camera: Tensor) -> list[tuple[tuple[Tensor, Tensor], Tensor]]:
    """The faces of solid voxels that look at the viewer, by direction: ((sample [F], points [F, P, 3]), normal).

    Points lie all over a face, more closely than pixels do. Coordinates are x, up, z in voxels, about the middle.
    """
    depth, height, width = solid.shape[1:]
    scale = FINER * max(LEAST_SCALE, EXTENT / max(depth, height, width))
    count = math.ceil(scale * 1.01) + 1
    grid = (torch.arange(count) + 0.5) / count - 0.5
    u, v = (each.flatten() for each in torch.meshgrid(grid, grid, indexing="ij"))
    around, found = pad(solid, (1, 1, 1, 1, 1, 1)), []
    middle = torch.tensor([width - 1, height - 1, depth - 1]) / 2
    # Axes of the tensor for x, up and z; rows grow downwards.
    for axis, dimension in enumerate((3, 2, 1)):
        for sign in (-1, 1):
            normal = torch.zeros(3)
            normal[axis] = sign
            if float(camera[2] @ normal) <= 1e-6:
                continue
            step = -sign if axis == 1 else sign
            beside = around.roll(-step, dimension)[:, 1:-1, 1:-1, 1:-1]
            where, z, y, x = (solid & ~beside).nonzero(as_tuple=True)
            centre = torch.stack([x, y, z], 1) - middle
            centre[:, 1] *= -1
            spread = torch.zeros(len(u), 3)
            others = [each for each in range(3) if each != axis]
            spread[:, others[0]], spread[:, others[1]] = u, v
            found.append(((where, centre[:, None] + spread + normal / 2), normal))
    return found


def as_obj(voxels: Tensor, about: str = "") -> str:
    """The text of an ``.obj`` file of one shape [C, D, H, W]: its surface by marching cubes at 0, closed.

    A side of the grid has length 1; x and z are about the middle, y is the height above the floor.

    Raises:
        UsageError: scikit-image is not installed; nothing is solid.
    """
    if importlib.util.find_spec("skimage") is None:
        raise UsageError(f"an .obj file needs scikit-image, which finds the surface: {INSTALL}.")
    from skimage.measure import marching_cubes

    field = voxels[0].cpu().float()
    if not bool((field > 0).any()):
        raise UsageError("the shape is empty, no voxel is above 0: it has no surface.")
    longest = max(field.shape)
    closed = np.pad(field.clamp(-1, 1).numpy(), 1, constant_values=-1.0)
    points, corners, *_ = marching_cubes(closed, 0.0, gradient_direction="ascent")  # so that faces look outwards
    depth, height, width = field.shape
    z, y, x = (points - 0.5).T  # a voxel's centre lies half a voxel inside; the padding is one
    placed = np.stack([x - width / 2, height - y, z - depth / 2], 1) / longest
    lines = [f"# {about}"] if about else []
    lines += [f"v {a:.5f} {b:.5f} {c:.5f}" for a, b, c in placed.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (corners + 1).tolist()]
    return "\n".join(lines) + "\n"


def write_obj(samples: Tensor, path: Path, info: DataInfo) -> None:
    """Shapes as ``.obj``: one as ``path``, more as ``NAME-0000.obj``, ``NAME-0001.obj`` ...

    Raises:
        UsageError: as :func:`as_obj`; which of several shapes is empty is said.
    """
    for i, shape in enumerate(samples):
        target = path if len(samples) == 1 else path.with_name(f"{path.stem}-{i:04d}{path.suffix}")
        try:
            text = as_obj(shape, f"drawn by ganzoo, trained on {info.name}")
        except UsageError as error:
            raise UsageError(f"{target}: {error}") from None
        replace_file(target, partial(Path.write_text, data=text, encoding="utf-8"))
