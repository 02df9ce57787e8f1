"""Where the holes are."""

import torch
from torch import Tensor

SHARE = 0.5
"""Side of a square hole, as a share of the image's."""
STROKES, TURNS = 4, 6
"""Most strokes of a free-form mask, and most turns of a stroke."""


def masks(kind: str, count: int, height: int, width: int, rng: torch.Generator) -> Tensor:
    """Holes, float32 [count, 1, height, width]: 1 in a hole, else 0.

    Args:
        kind: ``"centre"``: a square in the middle; ``"random"``: one to three rectangles of any place and size, which
            leave at least a quarter of the image; ``"free"``: thick strokes, as arXiv:1806.03589 draws them.
    """
    out = torch.zeros(count, 1, height, width)
    for mask in out[:, 0]:
        if kind == "centre":
            rows, columns = round(SHARE * height), round(SHARE * width)
            top, left = (height - rows) // 2, (width - columns) // 2
            mask[top : top + rows, left : left + columns] = 1
        elif kind == "random":
            for share in (0.5, 0.35, 0.35)[: _whole(1, 3, rng)]:
                rows, columns = (_whole(max(1, side // 6), max(1, int(share * side)), rng) for side in (height, width))
                top, left = _whole(0, height - rows, rng), _whole(0, width - columns, rng)
                mask[top : top + rows, left : left + columns] = 1
        else:
            _strokes(mask, rng)
    return out


def _strokes(mask: Tensor, rng: torch.Generator) -> None:
    """Draw thick lines with round turns into a mask [H, W]."""
    height, width = mask.shape
    side = min(height, width)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for _ in range(_whole(1, STROKES, rng)):
        here = torch.rand(2, generator=rng) * torch.tensor([height, width])
        radius = side * (0.04 + 0.06 * float(torch.rand((), generator=rng)))
        for _ in range(_whole(1, TURNS, rng)):
            step = (torch.rand(2, generator=rng) - 0.5) * 0.8 * side
            there = (here + step).clamp(torch.zeros(2), torch.tensor([height - 1.0, width - 1.0]))
            way = there - here
            along = ((rows - here[0]) * way[0] + (columns - here[1]) * way[1]) / way.square().sum().clamp(min=1e-6)
            along = along.clamp(0, 1)
            far = (rows - here[0] - along * way[0]).square() + (columns - here[1] - along * way[1]).square()
            mask[far <= radius**2] = 1
            here = there


def _whole(least: int, most: int, rng: torch.Generator) -> int:
    """A whole number from ``least`` to ``most``."""
    return int(torch.randint(least, max(least, most) + 1, (), generator=rng))
