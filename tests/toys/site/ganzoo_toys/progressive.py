"""Progressive growing, arXiv:1710.10196: each stage doubles the resolution, fades its layers in, and has its own batch.

Level and fading are whole numbers, which an average copies."""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from ganzoo.plugin import GAN, LOSS_TRICKS, Batch, Discriminator, Generator, Losses, Stage, State
from ganzoo_toys.networks import LATENT

SIDE, FULL = 4, 1000


class Growing:
    """What both networks share: a level, and its share of 1000 that has faded in."""

    level: Tensor
    faded: Tensor

    def start(self, network: nn.Module) -> None:
        network.register_buffer("level", torch.tensor(0))
        network.register_buffer("faded", torch.tensor(FULL))

    def mixed(self, old: Tensor, new: Tensor) -> Tensor:
        return torch.lerp(old, new, int(self.faded) / FULL)


class Grower(Generator, Growing):
    """Latents to images, drawn at the side of the current level and enlarged to the full one."""

    def __init__(self, channels: int, levels: int, width: int = 8) -> None:
        super().__init__(LATENT)
        self.first = nn.Linear(LATENT, width * SIDE * SIDE)
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(levels))
        self.to_image = nn.ModuleList(nn.Conv2d(width, channels, 1) for _ in range(levels))
        self.start(self)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        maps = self.blocks[0](self.first(latents).unflatten(1, (-1, SIDE, SIDE))).relu()
        image = self.to_image[0](maps)
        for i in range(1, (level := int(self.level)) + 1):
            maps = self.blocks[i](interpolate(maps, scale_factor=2)).relu()
            new, image = self.to_image[i](maps), interpolate(image, scale_factor=2)
            image = self.mixed(image, new) if i == level else new
        return interpolate(image, scale_factor=2 ** (len(self.blocks) - 1 - level)).tanh()


class Shrinker(Discriminator, Growing):
    """Images, first made as small as the current level is, to logits [N]."""

    def __init__(self, channels: int, levels: int, width: int = 8) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(levels))
        self.from_image = nn.ModuleList(nn.Conv2d(channels, width, 1) for _ in range(levels))
        self.head = nn.Linear(width * SIDE * SIDE, 1)
        self.start(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        level = int(self.level)
        image = avg_pool2d(samples, 2 ** (len(self.blocks) - 1 - level))
        maps = self.from_image[level](image)
        for i in range(level, 0, -1):
            maps = avg_pool2d(self.blocks[i](maps).relu(), 2)
            maps = self.mixed(self.from_image[i - 1](avg_pool2d(image, 2)), maps) if i == level else maps
        return self.head(self.blocks[0](maps).relu().flatten(1))[:, 0]


class Progressive(GAN):
    """Three levels: 4, 8 and 16 pixels."""

    defaults = {"loss": "non-saturating", "batch_size": 4, "steps": 100, "resolution": 16}
    tiny: ClassVar = {"steps": 7}
    supports = LOSS_TRICKS

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": Grower(self.data.shape[0], 3), "discriminator": Shrinker(self.data.shape[0], 3)}

    def stages(self) -> list[Stage]:
        each, batch_size = self.config.steps // 3, self.config.batch_size
        lengths = each, each, self.config.steps - 2 * each
        return [
            Stage(f"{SIDE * 2**i}px", steps, self.updates(), batch_size * 2 ** (2 - i), partial(grow, i))
            for i, steps in enumerate(lengths)
            if steps
        ]

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        for network in state.networks.values():
            network.faded.fill_(FULL if int(network.level) == 0 else round(FULL * min(1, 2 * state.progress)))
        return super().discriminator_loss(state, batch, generated)


def grow(level: int, state: State) -> None:
    for network in state.networks.values():
        network.level.fill_(level)
