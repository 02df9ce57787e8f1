"""Networks of 3D-GAN: DCGAN's in three dimensions, and D's layers as features."""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool3d

from ganzoo.plugin import Encoder
from ganzoo_zoo.networks import ConvDiscriminator, ConvGenerator

POOLED = 2
"""Sides of what each layer's maps are pooled to: those of section 4.3."""


class VoxelGenerator(ConvGenerator):
    """Latents [N, latent_dim] to voxels [N, 1, side, side, side] in [-1, 1]; above 0 is solid.

    The paper's latents are uniform in [0, 1]. Here they are normal, as everywhere, and become uniform by the normal
    distribution function: walks, truncation and arithmetic then work as they do for other generators. They lie about 0,
    in [-1, 1]: what all latents share would be most of what a fresh network sees.
    """

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().forward(uniform(latents), condition)


def uniform(latents: Tensor) -> Tensor:
    """Standard normal numbers as uniform ones in [-1, 1]."""
    return torch.erf(latents / sqrt(2))


class VoxelFeatures(Encoder):
    """Voxels [N, 1, side, side, side] to what D's layers see of them, [N, features]; the layers are D's own.

    The maps of all convolutions but the first and the last are max-pooled to 2x2x2 and put side by side: section 4.3,
    whose D of 64 voxels has pools of 8, 4 and 2 after layers 2, 3 and 4.
    """

    def __init__(self, judge: ConvDiscriminator, shape: Sequence[int]) -> None:
        *layers, _ = judge.body
        blocks: list[list[nn.Module]] = []
        maps: list[int] = []
        for layer in layers:
            if isinstance(layer, nn.Conv3d):
                blocks.append([])
                maps.append(layer.out_channels)
            blocks[-1].append(layer)
        _, *maps = maps
        super().__init__(sum(maps) * POOLED ** len(shape[1:]))
        self.first, *rest = (nn.Sequential(*block) for block in blocks)
        self.rest = nn.ModuleList(rest)

    def forward(self, samples: Tensor) -> Tensor:
        found, maps = [], self.first(samples)
        for block in self.rest:
            maps = block(maps)
            found.append(max_pool3d(maps, maps.shape[2] // POOLED).flatten(1))
        return torch.cat(found, 1)
