"""LAPGAN, arXiv:1506.05751: a GAN for the smallest picture, and one at each size for what is missing to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    BatchLoader,
    Discriminator,
    Dropout,
    Game,
    Generator,
    State,
    init_normal,
    option,
    pyramid,
    square_side,
)
from ganzoo_zoo.networks import MLPDiscriminator, MLPGenerator

SMALLEST = 7
"""Pixels of the smallest picture, at least: 8 for 32 and 64 pixels, as in section 4."""
BESIDE = ("diffaugment", "ada", "ada_images")


def sides_of(shape: Sequence[int]) -> list[int]:
    """Of the pictures, the smallest first."""
    sides = pyramid(square_side(tuple(shape)))
    return [side for side in sides if side >= SMALLEST] or sides[-1:]


def resized(images: Tensor, side: int) -> Tensor:
    """Smaller by means of pixels, larger smoothly."""
    if side < images.shape[3]:
        return interpolate(images, size=(side, side), mode="area")
    return interpolate(images, size=(side, side), mode="bilinear", align_corners=False)


class Details(nn.Module):
    """What is missing to an enlarged picture: figure 2. Pictures and noise [N, 1, side, side] to the finer pictures."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels + 1, width, 5, 1, 2), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 5, 1, 2), nn.ReLU(inplace=True),
            nn.Conv2d(width, channels, 5, 1, 2),
        )  # fmt: skip

    def forward(self, coarse: Tensor, noise: Tensor) -> Tensor:
        return coarse + self.body(torch.cat([coarse, noise], 1))


class Pyramid(Generator):
    """Latents to images [N, *shape], cut off at the ends of [-1, 1] after training: from the smallest picture upwards.

    A latent is that of the smallest picture and, after it, the noise of each level, pixel by pixel.
    """

    def __init__(self, latent_dim: int, hidden: int, width: int, shape: Sequence[int]) -> None:
        self.sides = sides_of(shape)
        self.parts = [latent_dim, *(side**2 for side in self.sides[1:])]
        super().__init__(sum(self.parts))
        smallest = (shape[0], self.sides[0], self.sides[0])
        self.first = MLPGenerator(latent_dim, [hidden, 2 * hidden], smallest)
        self.details = nn.ModuleList(Details(shape[0], width) for _ in self.sides[1:])
        init_normal(self.details)

    def level(self, level: int, coarse: Tensor | None, latents: Tensor) -> Tensor:
        """Pictures of a level from its part of the latents and, above the first, the enlarged pictures below."""
        if coarse is None:
            return self.first(latents)
        side = self.sides[level]
        found: Tensor = self.details[level - 1](coarse, latents.unflatten(1, (1, side, side)))
        return found

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        ends = list(accumulate(self.parts))
        images = self.first(latents[:, : ends[0]])
        for level, (begin, end) in enumerate(pairwise(ends), start=1):
            images = self.level(level, resized(images, self.sides[level]), latents[:, begin:end])
        return images if self.training else images.clamp(-1, 1)


class DetailsDiscriminator(Discriminator):
    """Pictures [N, C, side, side], beside what they were made from, to logits [N]."""

    independent = True

    def __init__(self, channels: int, side: int, width: int, condition: str, dropout: float) -> None:
        super().__init__(condition=condition)
        small = -(-side // 4)
        self.body = nn.Sequential(
            nn.Conv2d(2 * channels, width, 5, 2, 2), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 5, 2, 2), nn.LeakyReLU(0.2), nn.Flatten(),
            *([Dropout(dropout)] if dropout else []),
            nn.Linear(2 * width * small**2, 1),
        )  # fmt: skip
        init_normal(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        assert condition is not None, "its condition is a batch field"
        # Pictures differ from what they were made from by little: the difference is what there is to judge.
        return self.body(torch.cat([samples - condition, condition], 1))[:, 0]


@dataclass(frozen=True, kw_only=True)
class LAPGANOptions(AdamOptions):
    """Settings of LAPGAN."""

    lr: float = option(5e-4, "Adam's step size", above=0)
    latent_dim: int = option(100, "length of the smallest picture's latent", at_least=1, at_most=65_536)
    hidden: int = option(256, "units of the smallest picture's networks", at_least=1, at_most=8_192)
    width: int = option(16, "feature maps at every other level; the paper: 64 to 128", at_least=1, at_most=8_192)
    dropout: float = option(0.5, "share of D's last units left out in a step (section 3.3)", at_least=0, below=1)


class LAPGAN(GAN):
    """A game a level; above the first, each is given real pictures that were made smaller and enlarged again."""

    Options = LAPGANOptions
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    tiny: ClassVar = {"width": 4, "hidden": 8, "latent_dim": 8}
    supports = tuple(trick for trick in LOSS_TRICKS if trick not in BESIDE)
    unsupported: ClassVar = dict.fromkeys(
        BESIDE, "D sees pictures beside what they were made from, and the two would be augmented apart"
    )

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """``"images0"``, ... of each level; ``"coarse1"``, ... the level below enlarged."""
        batch = dict(loader.draw(start, n))
        sides = sides_of(self.data.shape)
        images = batch["images"]
        for level in reversed(range(len(sides))):
            batch[f"images{level}"] = images
            if level:
                images = resized(images, sides[level - 1])
                batch[f"coarse{level}"] = resized(images, sides[level])
        return batch

    def networks(self) -> dict[str, nn.Module]:
        o, (channels, *_), sides = self.options, self.data.shape, sides_of(self.data.shape)
        found: dict[str, nn.Module] = {
            "generator": Pyramid(o.latent_dim, o.hidden, o.width, self.data.shape),
            "judge0": MLPDiscriminator([2 * o.hidden, o.hidden], (channels, sides[0], sides[0]), dropout=o.dropout),
        }
        for level, side in enumerate(sides[1:], start=1):
            found[f"judge{level}"] = DetailsDiscriminator(channels, side, o.width, f"coarse{level}", o.dropout)
        return found

    def games(self) -> tuple[Game, ...]:
        sides = sides_of(self.data.shape)
        return tuple(
            Game("generator", f"judge{level}", real=f"images{level}", name=f"{side}x{side}")
            for level, side in enumerate(sides)
        )

    def generated(self, state: State, batch: Batch, game: Game | None = None) -> Tensor:
        """Pictures of a game's level, made from real ones."""
        game = game or self.games()[0]
        level = int(game.real.removeprefix("images"))
        network = self.network(state, game.generator, Pyramid)
        coarse = batch[f"coarse{level}"] if level else None
        noise = torch.randn(len(batch[game.real]), network.parts[level], device=batch[game.real].device)
        return network.level(level, coarse, noise)
