"""Voxels [N, C, D, H, W] in [-1, 1], above 0 is solid: drawn from a corner above, and from all sides."""

import torch
from torch import Tensor

SIDES = 4
"""Sides that voxels can be seen from, each a quarter turn further."""


def draw_voxels(voxels: Tensor, side: int = 0) -> Tensor:
    """Voxels [N, C, D, H, W] seen from a corner above: uint8 [N, 1, H', W'].

    Each cube is four pixels wide and four high, as in drawings of the ratio two to one; each of the three visible
    directions of a face has its own brightness. ``side`` turns the shape by so many of its ``SIDES``.
    """
    solid = torch.rot90(voxels[:, 0].cpu() > 0, side % SIDES, (1, 3))
    n, depth, height, width = solid.shape
    rows, columns = depth + width + 2 * height + 2, 2 * (depth + width)
    sheet = torch.full((n, rows, columns), 245, dtype=torch.uint8)
    z, y, x = torch.meshgrid(torch.arange(depth), torch.arange(height), torch.arange(width), indexing="ij")
    # From far to near, so that near cubes cover far ones; y points down, as the rows of an image do.
    order = (z + x - y).flatten().argsort(stable=True)
    z, y, x = (axis.flatten()[order] for axis in (z, y, x))
    for i in range(n):
        chosen = solid[i][z, y, x]
        for a, b, c in zip(z[chosen].tolist(), y[chosen].tolist(), x[chosen].tolist(), strict=True):
            row, column = a + c + 2 * b, 2 * (depth - 1 - a + c)
            sheet[i, row : row + 2, column : column + 4] = 225  # the top
            sheet[i, row + 2 : row + 4, column : column + 2] = 150  # the left side
            sheet[i, row + 2 : row + 4, column + 2 : column + 4] = 95  # the right side
    return sheet[:, None]
