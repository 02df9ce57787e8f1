"""The networks of arXiv:2501.05441, section 3: residual blocks with grouped convolutions, without normalisation.

A stage for every resolution. Convolutions are initialised so that the variance stays the same through all blocks
(Fix-up, arXiv:1901.09321), of which each begins as the identity.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.plugin import Discriminator, Generator, UsageError, append_one_hot, square_side
from ganzoo_zoo.patches import sides_of, whole_patches

SLOPE = 0.2
GAIN = (2 / (1 + SLOPE**2)) ** 0.5
EXPANSION = 2
"""Maps inside a block, as a multiple of those outside."""
EMBEDDING = 64
"""Length of a class's code."""


def scaled(layer: nn.Conv2d | nn.Linear, gain: float) -> nn.Conv2d | nn.Linear:
    """A layer whose results have ``gain`` squared times the variance of its inputs; a bias begins at 0."""
    fan_in = layer.weight[0].numel()
    with torch.no_grad():
        if layer.bias is not None:
            layer.bias.zero_()
        layer.weight.normal_(0, gain / fan_in**0.5) if gain else layer.weight.zero_()
    return layer


class Block(nn.Module):
    """1x1, grouped 3x3, 1x1, beside the identity: figure 4.

    Args:
        group: maps in a group of the 3x3 convolution.
        blocks: of the whole network, for the initialisation.
    """

    def __init__(self, maps: int, group: int, blocks: int) -> None:
        super().__init__()
        inner = EXPANSION * maps
        gain = GAIN * blocks ** (-1 / 4)  # two layers that count: L^(-1 / (2 m - 2)) with m = 3
        self.body = nn.Sequential(
            scaled(nn.Conv2d(maps, inner, 1), gain), nn.LeakyReLU(SLOPE, inplace=True),
            scaled(nn.Conv2d(inner, inner, 3, 1, 1, groups=max(1, inner // group)), gain),
            nn.LeakyReLU(SLOPE, inplace=True),
            scaled(nn.Conv2d(inner, maps, 1, bias=False), 0.0),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)


class Resized(nn.Module):
    """Maps brought to another side bilinearly, and to another number by a 1x1 convolution, which works on the smaller
    of both sides."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.side = side
        same = inputs == outputs
        self.mixed: nn.Module = nn.Identity() if same else scaled(nn.Conv2d(inputs, outputs, 1, bias=False), 1.0)

    def forward(self, maps: Tensor) -> Tensor:
        if self.side > maps.shape[2]:
            return self.resized(self.mixed(maps))
        return self.mixed(self.resized(maps))

    def resized(self, maps: Tensor) -> Tensor:
        """Of a side twice as large the mean of four pixels, which is bilinear too."""
        if maps.shape[2] == 2 * self.side:
            return nn.functional.avg_pool2d(maps, 2)
        return interpolate(maps, size=(self.side, self.side), mode="bilinear", align_corners=False)


def maps_of(width: int, group: int, sides: Sequence[int]) -> list[int]:
    """Feature maps from the smallest side to the largest: halved at every step, four times ``width`` at most, and whole
    groups."""
    least = max(1, group // EXPANSION)
    found = [min(4 * width, width * 2 ** (len(sides) - 1 - level)) for level in range(len(sides))]
    return [max(least, maps // least * least) for maps in found]


class R3Generator(Generator):
    """Latents [N, latent_dim], with a class's code beside them, to images [N, *shape].

    Nothing holds them within [-1, 1] in training, where D sees what leaves it; afterwards they are cut off there.
    """

    mixes_classes = True

    def __init__(
        self,
        latent_dim: int,
        width: int,
        shape: Sequence[int],
        classes: int,
        blocks: int,
        group: int,
        stem: int = 1,
    ) -> None:
        super().__init__(latent_dim, classes)
        self.side = square_side(tuple(shape))
        sides = sides_of(self.side, stem)
        maps, total = maps_of(width, group, sides), blocks * len(sides)
        # A weak code at first: as strong as the latent it would let G draw one picture a class and ignore the latent.
        self.code = scaled(nn.Linear(classes, EMBEDDING, bias=False), 1.0) if classes else None
        self.basis = nn.Parameter(torch.randn(maps[0], sides[0], sides[0]))
        self.dense = scaled(nn.Linear(latent_dim + (EMBEDDING if classes else 0), maps[0], bias=False), 1.0)
        layers: list[nn.Module] = [Block(maps[0], group, total) for _ in range(blocks)]
        for (a, b), side in zip(pairwise(maps), sides[1:], strict=True):
            layers += [Resized(a, b, side), *(Block(b, group, total) for _ in range(blocks))]
        self.body = nn.Sequential(*layers)
        if stem == 1:
            self.head: nn.Module = scaled(nn.Conv2d(maps[-1], shape[0], 1, bias=False), 1.0)
        else:
            # Patches alone leave a pattern of their own side in the picture; the last convolution sees across them.
            inner = max(8, maps[-1] // stem**2)
            self.head = nn.Sequential(
                scaled(nn.Conv2d(maps[-1], inner * stem**2, 3, 1, 1), GAIN), nn.PixelShuffle(stem),
                nn.LeakyReLU(SLOPE, inplace=True), scaled(nn.Conv2d(inner, shape[0], 3, 1, 1, bias=False), 1.0),
            )  # fmt: skip

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        if self.code is not None:
            if condition is None:
                raise UsageError("a conditional network needs labels: give one class for each sample.")
            codes = append_one_hot(latents[:, :0], condition, self.classes).to(latents.dtype)
            latents = torch.cat([latents, self.code(codes)], 1)
        images: Tensor = self.head(self.body(self.dense(latents)[:, :, None, None] * self.basis))
        images = images[..., : self.side, : self.side]
        return images if self.training else images.clamp(-1, 1)


class R3Discriminator(Discriminator):
    """Images [N, *shape] to logits [N]; a class's code is multiplied with what the image gives."""

    independent = True

    def __init__(self, width: int, shape: Sequence[int], classes: int, blocks: int, group: int, stem: int = 1) -> None:
        super().__init__(classes)
        self.stem = stem
        sides = sides_of(square_side(tuple(shape)), stem)
        maps, total = maps_of(width, group, sides), blocks * len(sides)
        size, padding = (1, 0) if stem == 1 else (2 * stem, stem // 2)
        layers: list[nn.Module] = [scaled(nn.Conv2d(shape[0], maps[-1], size, stem, padding, bias=False), 1.0)]
        for level in reversed(range(len(sides))):
            layers += [Block(maps[level], group, total) for _ in range(blocks)]
            if level:
                layers.append(Resized(maps[level], maps[level - 1], sides[level - 1]))
        self.body = nn.Sequential(*layers)
        self.basis = scaled(nn.Conv2d(maps[0], maps[0], sides[0], groups=maps[0], bias=False), 1.0)
        self.head = scaled(nn.Linear(maps[0], EMBEDDING if classes else 1, bias=False), 1.0)
        self.code = scaled(nn.Linear(classes, EMBEDDING, bias=False), EMBEDDING**-0.5) if classes else None

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        found: Tensor = self.head(self.basis(self.body(whole_patches(samples, self.stem))).flatten(1))
        if self.code is None:
            return found[:, 0]
        if condition is None:
            raise UsageError("a conditional network needs labels: give one class for each sample.")
        codes = append_one_hot(found[:, :0], condition, self.classes).to(found.dtype)
        return (found * self.code(codes)).sum(1)
