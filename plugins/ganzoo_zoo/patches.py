"""Networks that see an image in patches: their largest maps have a part of its resolution, which makes a step cheap."""

from torch import Tensor
from torch.nn.functional import pad

from ganzoo.plugin import pyramid

LEAST = 8
"""Smaller maps are not halved further."""


def sides_of(side: int, stem: int) -> list[int]:
    """Sides of the maps, the smallest first: the largest is the image's, divided by the side of a patch, rounded up.

    >>> sides_of(28, 2), sides_of(28, 4)
    ([4, 7, 14], [7])
    """
    largest = -(-side // stem)
    return pyramid(largest) if largest >= LEAST else [largest]


def whole_patches(images: Tensor, stem: int) -> Tensor:
    """Images [N, C, H, H], with the last row and column repeated until patches of ``stem`` pixels fit."""
    over = -images.shape[3] % stem
    return pad(images, (0, over, 0, over), mode="replicate") if over else images
