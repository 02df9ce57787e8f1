"""Where images differ from what a scorer of anomalies restored: three panels side by side."""

import torch
from torch import Tensor

from ganzoo.data.base import to_uint8
from ganzoo.data.resize import convert_channels
from ganzoo.report.pictures import grid

WHITE = 1.0
"""The difference that is shown white: half of the way from black to white. The same for all images, so that pictures
can be compared."""
SMALLEST = 96
"""Smaller panels are magnified up to this height."""


def panels(image: Tensor, restored: Tensor, difference: Tensor) -> Tensor:
    """The image, what was restored, and where they differ, side by side: uint8 [3, H', W'].

    Args:
        image, restored: [C, H, W] in [-1, 1].
        difference: [1, H, W], 0 to 2.
    """
    shown = [convert_channels(to_uint8(each[None]), 3) for each in (image, restored)]
    return grid(torch.cat([*shown, heat(difference)[None]]), 3, min_side=SMALLEST)


def heat(difference: Tensor) -> Tensor:
    """Differences [1, H, W] as colours, from black over red and yellow to white at :data:`WHITE`: uint8 [3, H, W]."""
    rising = 3 * (difference / WHITE).clamp(0, 1)
    return (255 * torch.cat([rising, rising - 1, rising - 2]).clamp(0, 1)).round().to(torch.uint8)
