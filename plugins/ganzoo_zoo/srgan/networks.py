"""The networks of arXiv:1609.04802, figure 4: SRResNet and its discriminator."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.plugin import Discriminator, Translator

STRIDES = ((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2))
"""(multiple of the first number of maps, stride) of the discriminator's convolutions."""


class Block(nn.Module):
    """k3n64s1, BN, PReLU, k3n64s1, BN, sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)


class SRResNet(Translator):
    """Images [N, C, H, W] in [-1, 1] to [N, C, scale H, scale W]; not bounded, so that MSE keeps its gradient.

    Args:
        channels: of the images.
        scale: 2 or 4; one pixel shuffle for each factor of 2.
        blocks: residual blocks.
        width: feature maps.
        skip: add the bicubic enlargement to the result, so that the network learns what that lacks.
    """

    def __init__(self, channels: int, scale: int, blocks: int, width: int, skip: bool = False) -> None:
        super().__init__(scale, input="low", output="images")
        self.skip = skip
        # 9x9: 4; blocks: 2 each; the convolution after them: 1; what works on enlarged maps: 1 + 1/2, and 4/scale.
        self.reach = 4 + 2 * blocks + 1 + 2 + 4
        self.head = nn.Sequential(nn.Conv2d(channels, width, 9, padding=4), nn.PReLU())
        trunk = [*(Block(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1, bias=False)]
        self.trunk = nn.Sequential(*trunk, nn.BatchNorm2d(width))
        up: list[nn.Module] = []
        for _ in range(scale.bit_length() - 1):
            up += [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()]
        self.up = nn.Sequential(*up)
        self.tail = nn.Conv2d(width, channels, 9, padding=4)

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        maps = self.head(images)
        result = self.tail(self.up(maps + self.trunk(maps)))
        if self.skip:
            size = [int(self.scale) * side for side in images.shape[2:]]  # torch.export cannot follow a factor
            result = result + interpolate(images, size=size, mode="bicubic", align_corners=False)
        return result


class PatchDiscriminator(Discriminator):
    """High-resolution crops [N, C, side, side] to logits [N]: eight convolutions, then two dense layers."""

    def __init__(self, channels: int, side: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        fan_in = channels
        for i, (multiple, stride) in enumerate(STRIDES):
            fan_out = multiple * width
            layers.append(nn.Conv2d(fan_in, fan_out, 3, stride=stride, padding=1, bias=i == 0))
            layers += [nn.BatchNorm2d(fan_out)] if i else []
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            fan_in, side = fan_out, -(-side // stride)
        self.body = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Linear(fan_in * side * side, 16 * width), nn.LeakyReLU(0.2, inplace=True))
        self.logit = nn.Linear(16 * width, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.logit(self.dense(torch.flatten(self.body(samples), 1))).squeeze(1)
