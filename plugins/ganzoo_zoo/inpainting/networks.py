"""Networks that fill holes: the context encoder of arXiv:1604.07379, and a U-Net."""

from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from ganzoo.plugin import Translator, init_normal
from ganzoo_zoo.translators import UNet, padded

SMALL = 4
"""Side of the maps that are connected."""


class Painter(Translator):
    """Images with a mask as their last channel, [N, C + 1, H, W] in [-1, 1], to images [N, C, H, W].

    The mask is 1 in a hole and -1 elsewhere. What is not in a hole comes back as it was.

    Args:
        body: what paints: a network from [N, C + 1, H, W] to [N, C, H, W].
    """

    def __init__(self, body: "UNet | ContextEncoder") -> None:
        super().__init__(multiple=int(body.multiple), input="given", output="images", masked=True)
        self.body = body

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        known, hole = images[:, :-1], (images[:, -1:] > 0).to(images.dtype)
        painted = self.body(torch.cat([known * (1 - hole), 2 * hole - 1], 1))
        return known * (1 - hole) + painted * hole


class ContextEncoder(nn.Module):
    """The network of arXiv:1604.07379, section 3.1: [N, C + 1, H, W] to [N, C, H, W] in [-1, 1].

    Strided convolutions down to 4x4 maps (those of images of other sizes are brought
    to that), a fully connected layer of its own for each feature map, a convolution of 1x1
    that mixes the maps, and transposed convolutions. Without the connected layer no part of the image would know what
    is in the opposite corner.

    Args:
        channels: of the images.
        side: of the images trained on, which decides how many levels there are.
        width: feature maps of the first level.
    """

    def __init__(self, channels: int, side: int, width: int) -> None:
        super().__init__()
        levels = max(1, int(log2(side / SMALL)))
        self.multiple = 2**levels
        maps = [width * min(2**level, 8) for level in range(levels)]
        down: list[nn.Module] = []
        for fan_in, fan_out in zip([channels + 1, *maps], maps, strict=False):
            down += [nn.Conv2d(fan_in, fan_out, 4, 2, 1), nn.BatchNorm2d(fan_out), nn.LeakyReLU(0.2)]
        del down[1]  # the first level has no normalisation
        self.down = nn.Sequential(*down)
        self.connected = nn.Conv1d(maps[-1], maps[-1] * SMALL**2, SMALL**2, groups=maps[-1])
        self.mixed = nn.Sequential(nn.ReLU(), nn.Conv2d(maps[-1], maps[-1], 1), nn.BatchNorm2d(maps[-1]), nn.ReLU())
        up: list[nn.Module] = []
        for fan_in, fan_out in zip(maps[::-1], maps[-2::-1], strict=False):
            up += [nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1), nn.BatchNorm2d(fan_out), nn.ReLU()]
        self.up = nn.Sequential(*up, nn.ConvTranspose2d(maps[0], channels, 4, 2, 1), nn.Tanh())
        init_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.down(padded(images, self.multiple))
        small = adaptive_avg_pool2d(maps, SMALL)
        connected = self.connected(small.flatten(2)).view(small.shape)
        if connected.shape != maps.shape:
            connected = interpolate(connected, size=maps.shape[2:], mode="bilinear", align_corners=False)
        return self.up(self.mixed(connected))[..., : images.shape[2], : images.shape[3]]


def painter(body: str, channels: int, side: int, width: int) -> Painter:
    """A network that fills holes."""
    if body == "context":
        return Painter(ContextEncoder(channels, side, width))
    return Painter(UNet((channels + 1, channels), side, width))
