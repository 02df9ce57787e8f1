"""Points [N, D]: drawn together, as a scatter plot."""

import torch
from torch import Tensor

PLOT_SIDE = 384
"""Side, in pixels, of a scatter plot."""


def scatter(points: Tensor, extent: float = 1.5) -> Tensor:
    """The first two coordinates of points [N, D] on a white square that spans +-``extent``: uint8 [1, 1, S, S].

    One-dimensional points are drawn as a histogram. Points outside the square are drawn on its edge.
    """
    side = PLOT_SIDE
    sheet = torch.full((1, 1, side, side), 255, dtype=torch.uint8)
    place = ((points.cpu().clamp(-extent, extent) + extent) / (2 * extent) * (side - 1)).round().long()
    if points.shape[1] == 1:
        counts = torch.bincount(place[:, 0] // 4, minlength=side // 4).float()
        heights = (counts / counts.max() * (side - 1)).round().long().repeat_interleave(4)
        for column, height in enumerate(heights[:side].tolist()):
            sheet[0, 0, side - height :, column] = 64
        return sheet
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            x = (place[:, 0] + dx).clamp(0, side - 1)
            y = (side - 1 - place[:, 1] + dy).clamp(0, side - 1)
            sheet[0, 0, y, x] = 0
    return sheet
