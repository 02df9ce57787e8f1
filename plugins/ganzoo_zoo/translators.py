"""Networks that several translating variants share: U-Net, residual translator, and the discriminator of patches.

Sides of any length are taken: they are padded inside to what the network needs, and the result is cut back.
"""

from collections.abc import Collection, Sequence
from math import log2
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm, interpolate, pad

from ganzoo.plugin import (
    Batch,
    Discriminator,
    Dropout,
    InstanceNorm2d,
    Translator,
    UpsampledConv2d,
    derived_seed,
    init_normal,
)

Norm = Literal["batch", "instance", "none"]
MOST_MAPS = 8
"""Feature maps grow up to this multiple of the width."""

PATCHES = {1: 0, 16: 1, 34: 2, 70: 3, 142: 4, 286: 5}
"""Side of what a logit sees, in pixels, to the number of strided convolutions: arXiv:1611.07004, section 6.1.2."""


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation that, after training, normalises each image by its own statistics: those of a batch of one,
    which is how arXiv:1611.07004, section 3.3, uses it."""

    def forward(self, input: Tensor) -> Tensor:
        if self.training:
            return super().forward(input)
        return instance_norm(input, weight=self.weight, bias=self.bias, eps=self.eps)


class Noise(Dropout):
    """Dropout of one half that stays on after training, as the only noise of arXiv:1611.07004, section 3.3.

    In training it is random. Afterwards the same pattern is left out every time, so that an image always gives the same
    result.
    """

    PRIME = 65_521

    def forward(self, maps: Tensor) -> Tensor:
        if self.training:
            return super().forward(maps)
        axes = [torch.arange(side, device=maps.device) for side in maps.shape[1:]]
        number = 40_503 * axes[0][:, None, None] + 30_011 * axes[1][:, None] + 50_021 * axes[2]
        for _ in range(2):  # integers, which are the same everywhere
            number = (number * number + 3 * number + 7) % self.PRIME
        return maps * (2.0 * (number < self.PRIME // 2).to(maps.dtype))


def norm_of(kind: Norm, maps: int, statistics: str = "running") -> list[nn.Module]:
    """The layer of a kind of normalisation; nothing for ``"none"``."""
    if kind == "batch":
        return [BatchNorm(maps) if statistics == "image" else nn.BatchNorm2d(maps)]
    return [InstanceNorm2d(maps)] if kind == "instance" else []


def padded(images: Tensor, multiple: int) -> Tensor:
    """Images with both sides extended to a multiple by their last pixels."""
    below, beside = -images.shape[2] % multiple, -images.shape[3] % multiple
    return pad(images, (0, beside, 0, below), mode="replicate") if below or beside else images


class UNet(Translator):
    """The generator of arXiv:1611.07004, section 6.1.1: images [N, C, H, W] to images [N, C', H, W] in [-1, 1].

    An encoder of strided convolutions, a decoder of as many transposed ones, and each level of the encoder beside the
    same level of the decoder.

    Args:
        channels: of input and output.
        side: of the images trained on, which decides how many levels there are: 8 for 256 pixels, as in the paper.
        width: feature maps of the first level.
        norm: normalisation.
        statistics: what batch normalisation uses after training: ``"image"`` or ``"running"`` averages.
        noise: dropout at the three innermost levels of the decoder, after training too.
        fields: names of the batch fields of input and output.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        side: int,
        width: int,
        norm: Norm = "batch",
        statistics: str = "running",
        noise: bool = False,
        fields: tuple[str, str] = ("images", "target"),
    ) -> None:
        depth = max(2, min(8, int(log2(side))))
        super().__init__(multiple=2**depth, input=fields[0], output=fields[1])
        maps = [width * min(2**level, MOST_MAPS) for level in range(depth)]
        plain = norm == "none"
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (fan_in, fan_out) in enumerate(zip([channels[0], *maps], maps, strict=False)):
            # The first level has no normalisation, and the last one might have a single value to normalise.
            bare = level in (0, depth - 1)
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if level else []
            layers.append(nn.Conv2d(fan_in, fan_out, 4, 2, 1, bias=plain or bare))
            self.down.append(nn.Sequential(*layers, *([] if bare else norm_of(norm, fan_out, statistics))))
        for level in reversed(range(1, depth)):
            fan_in = maps[level] * (1 if level == depth - 1 else 2)
            layers = [nn.ReLU(), nn.ConvTranspose2d(fan_in, maps[level - 1], 4, 2, 1, bias=plain)]
            layers += norm_of(norm, maps[level - 1], statistics)
            if noise and level >= depth - 3:
                layers.append(Noise())
            self.up.append(nn.Sequential(*layers))
        self.head = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * maps[0], channels[1], 4, 2, 1), nn.Tanh())
        init_normal(self)

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        maps, kept = padded(images, self.multiple), []
        for layer in self.down:
            maps = layer(maps)
            kept.append(maps)
        maps = kept.pop()
        for layer in self.up:
            maps = torch.cat([layer(maps), kept.pop()], 1)
        return self.head(maps)[..., : images.shape[2], : images.shape[3]]


class Residual(nn.Module):
    """Two 3x3 convolutions with instance normalisation, beside a skip connection."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(maps, maps, 3), InstanceNorm2d(maps), nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(maps, maps, 3), InstanceNorm2d(maps),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)


class ResNetTranslator(Translator):
    """The generator of arXiv:1703.10593, section 7.2: images [N, C, H, W] to images [N, C', H, W] in [-1, 1].

    Args:
        channels: of input and output.
        width: feature maps at the full resolution.
        blocks: residual blocks, at a quarter of the resolution; the paper has 6 for 128 pixels, 9 for 256.
        fields: names of the batch fields of input and output.
        enlarge: ``"transposed"`` convolutions as in the paper, or ``"nearest"``: copied pixels and a convolution, which
            leave no pattern of squares (https://distill.pub/2016/deconv-checkerboard).
    """

    def __init__(
        self,
        channels: tuple[int, int],
        width: int,
        blocks: int,
        fields: tuple[str, str] = ("images", "target"),
        enlarge: str = "transposed",
    ) -> None:
        super().__init__(multiple=4, input=fields[0], output=fields[1])

        def up(maps: int) -> nn.Module:
            if enlarge == "nearest":
                return UpsampledConv2d(2 * maps, maps)
            return nn.ConvTranspose2d(2 * maps, maps, 3, 2, 1, output_padding=1)

        def layer(convolution: nn.Module, maps: int) -> list[nn.Module]:
            return [convolution, InstanceNorm2d(maps), nn.ReLU(inplace=True)]

        self.body = nn.Sequential(
            nn.ReflectionPad2d(3),
            *layer(nn.Conv2d(channels[0], width, 7), width),
            *layer(nn.Conv2d(width, 2 * width, 3, 2, 1), 2 * width),
            *layer(nn.Conv2d(2 * width, 4 * width, 3, 2, 1), 4 * width),
            *(Residual(4 * width) for _ in range(blocks)),
            *layer(up(2 * width), 2 * width),
            *layer(up(width), width),
            nn.ReflectionPad2d(3), nn.Conv2d(width, channels[1], 7), nn.Tanh(),
        )  # fmt: skip
        init_normal(self)

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(padded(images, self.multiple))[..., : images.shape[2], : images.shape[3]]


class PatchDiscriminator(Discriminator):
    """The discriminator of arXiv:1611.07004, section 6.1.2: images to a map of logits [N, 1, h, w], one for each patch.

    Args:
        channels: of the images, and of those shown beside them.
        side: of the images; small ones bound the number of layers.
        width: feature maps of the first layer.
        patch: side of what a logit sees, one of ``PATCHES``; 0: 70 from 128 pixels on, and 16 for smaller images, of
            which it is as large a part as 70 of the 256 pixels of the paper.
        norm: normalisation.
        condition: name of the batch field that is shown beside the images; empty: none.
    """

    patch = True

    def __init__(
        self, channels: int, side: int, width: int, patch: int = 70, norm: Norm = "batch", condition: str = ""
    ) -> None:
        super().__init__(condition=condition)
        self.independent = norm != "batch"  # batch normalisation looks from one image to another
        strided = min(PATCHES[patch or (70 if side >= 128 else 16)], max(1, int(log2(side)) - 2))
        size, padding, stride = (4, 1, 2) if strided else (1, 0, 1)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, size, stride, padding), nn.LeakyReLU(0.2)]
        maps = width
        for level in range(1, strided + 1 if strided else 2):
            fan_in, maps = maps, width * min(2**level, MOST_MAPS)
            last = level == strided or not strided
            layers.append(nn.Conv2d(fan_in, maps, size, 1 if last else 2, padding, bias=norm == "none"))
            layers += [*norm_of(norm, maps), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(maps, 1, size, 1, padding))
        init_normal(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(samples if condition is None else torch.cat([condition, samples], 1))


def varied(batch: Batch, together: Sequence[Collection[str]], mirror: bool, jitter: float, position: int) -> Batch:
    """A batch whose images are mirrored and shifted at random: arXiv:1611.07004, section 6.2.

    Args:
        together: groups of fields [N, C, H, W] that are changed alike, such as the two sides of a pair.
        mirror: half of the images are mirrored.
        jitter: how much larger images are made before a part of their own size is cut out; 0: not at all.
        position: number of samples seen so far, on which alone the random numbers depend.
    """
    out = dict(batch)
    for number, names in enumerate(together):
        rng = torch.Generator().manual_seed(derived_seed("varied", number, position))
        count = len(batch[next(iter(names))])
        flips, places = torch.rand(count, generator=rng) < 0.5, torch.rand(count, 2, generator=rng).tolist()
        for name in names:
            images = out[name]
            if mirror:
                turned = flips.to(images.device)[:, None, None, None]
                images = torch.where(turned, images.flip(3), images)
            height, width = images.shape[2:]
            taller, wider = round(height * (1 + jitter)), round(width * (1 + jitter))
            if (taller, wider) != (height, width):
                large = interpolate(images, size=(taller, wider), mode="bilinear", align_corners=False)
                corners = [(int(y * (taller - height + 1)), int(x * (wider - width + 1))) for y, x in places]
                cut = zip(large, corners, strict=True)
                images = torch.stack([i[:, y : y + height, x : x + width] for i, (y, x) in cut])
            out[name] = images
    return out
