"""Networks that grow: arXiv:1710.10196, table 2.

All levels are there from the start, from the smallest map to the image. How far the networks have grown is a whole
number, ``grown``, in parts of ``PARTS`` a level: between two levels both are blended (figure 2). Images always have
their full size: those of a lower level are enlarged, and D looks at means of pixels.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.plugin import Discriminator, Generator, UsageError, append_one_hot, pyramid, square_side
from ganzoo_zoo.equalised import EqualConv2d, EqualLinear, activated, maps_of, with_spread

PARTS = 2**20
"""Of a level. A whole number is copied to the averaged networks as it is; an average would lag behind."""


def pixel_norm(values: Tensor) -> Tensor:
    """Feature vectors [N, C, ...] with mean square 1: section 4.2."""
    return values * (values.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def enlarged(images: Tensor, side: int) -> Tensor:
    """Copied pixels, cut to ``side``, which is twice theirs or one less."""
    return interpolate(images, scale_factor=2.0, mode="nearest")[..., :side, :side]


def halved(images: Tensor) -> Tensor:
    """Means of 2x2 pixels; of an odd side the last one is of what is there."""
    return nn.functional.avg_pool2d(images, 2, ceil_mode=True, count_include_pad=False)


class Block(nn.Module):
    """Two convolutions of 3x3, each with LeakyReLU and in G a normalisation."""

    def __init__(self, inputs: int, inner: int, outputs: int, norm: bool) -> None:
        super().__init__()
        self.first, self.second, self.norm = EqualConv2d(inputs, inner, 3), EqualConv2d(inner, outputs, 3), norm

    def forward(self, maps: Tensor) -> Tensor:
        for layer in (self.first, self.second):
            maps = activated(layer(maps))
            maps = pixel_norm(maps) if self.norm else maps
        return maps


class Grown(nn.Module):
    """What both networks know of their size.

    ``levels`` is how many are computed; the others have no weight and would change nothing. A network that was not
    trained is whole.
    """

    grown: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = self.levels = count
        self.register_buffer("grown", torch.tensor((count - 1) * PARTS))

    def shares(self) -> Tensor:
        """The weight of each level, [count]: 1 for one, or shares of two neighbours."""
        at = self.grown.to(torch.float32) / PARTS
        return (1 - (at - torch.arange(self.count, device=at.device)).abs()).clamp(min=0)


class GrowingGenerator(Generator):
    """Latents [N, latent_dim] to images [N, *shape], cut off at the ends of [-1, 1] after training."""

    mixes_classes = True

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], classes: int) -> None:
        super().__init__(latent_dim, classes)
        self.sides = pyramid(square_side(tuple(shape)))
        maps = maps_of(width, len(self.sides))
        self.dense = EqualLinear(latent_dim + classes, maps[0] * self.sides[0] ** 2)
        self.first = EqualConv2d(maps[0], maps[0], 3)
        self.blocks = nn.ModuleList(Block(a, b, b, norm=True) for a, b in pairwise(maps))
        self.to_image = nn.ModuleList(EqualConv2d(m, shape[0], 1) for m in maps)
        self.growth = Grown(len(self.sides))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        if self.classes:
            if condition is None:
                raise UsageError("a conditional network needs labels: give one class for each sample.")
            latents = append_one_hot(latents, condition, self.classes)
        maps = self.dense(pixel_norm(latents)).unflatten(1, (-1, self.sides[0], self.sides[0]))
        maps = pixel_norm(activated(self.first(pixel_norm(activated(maps)))))
        shares = self.growth.shares()
        images = shares[0] * self.to_image[0](maps)
        for level, side in enumerate(self.sides[1:], start=1):
            images = enlarged(images, side)
            if level < self.growth.levels:
                maps = self.blocks[level - 1](enlarged(maps, side))
                images = images + shares[level] * self.to_image[level](maps)
        return images if self.training else images.clamp(-1, 1)


class GrowingDiscriminator(Discriminator):
    """Images [N, *shape] to logits [N]. A label enters as constant maps at the smallest side."""

    heads = ("head",)

    def __init__(self, width: int, shape: Sequence[int], classes: int) -> None:
        super().__init__(classes)
        sides = pyramid(square_side(tuple(shape)))
        maps = maps_of(width, len(sides))
        self.from_image = nn.ModuleList(EqualConv2d(shape[0], m, 1) for m in maps)
        self.blocks = nn.ModuleList(Block(b, b, a, norm=False) for a, b in pairwise(maps))
        self.conv = EqualConv2d(maps[0] + 1 + classes, maps[0], 3)
        self.dense = EqualLinear(maps[0] * sides[0] ** 2, maps[0])
        self.head = EqualLinear(maps[0], 1)
        self.growth = Grown(len(sides))

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        seen = [samples]
        for _ in range(self.growth.count - 1):
            seen.insert(0, halved(seen[0]))
        shares, top = self.growth.shares(), self.growth.levels - 1
        maps = activated(self.from_image[top](seen[top]))
        for level in reversed(range(top)):
            maps = self.blocks[level](maps)
            above = shares[level + 1 :].sum()  # what is not this level's comes from those above
            maps = above * halved(maps) + (1 - above) * activated(self.from_image[level](seen[level]))
        maps = with_spread(maps)
        if self.classes:
            if condition is None:
                raise UsageError("a conditional network needs labels: give one class for each sample.")
            codes = append_one_hot(samples.flatten(1)[:, :0], condition, self.classes).to(maps.dtype)
            maps = torch.cat([maps, codes[:, :, None, None].expand(-1, -1, *maps.shape[2:])], 1)
        logits: Tensor = self.head(activated(self.dense(activated(self.conv(maps)).flatten(1))))
        return logits[:, 0]
