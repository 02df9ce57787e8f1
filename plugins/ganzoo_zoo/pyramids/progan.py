"""ProGAN, arXiv:1710.10196: training begins with small pictures, and the networks grow with them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import nn

from ganzoo.plugin import GAN, AdamOptions, Batch, Losses, Stage, State, option, pyramid, square_side
from ganzoo_zoo.pyramids.networks import PARTS, GrowingDiscriminator, GrowingGenerator, Grown, enlarged, halved


@dataclass(frozen=True, kw_only=True)
class ProGANOptions(AdamOptions):
    """Settings of ProGAN. Defaults: arXiv:1710.10196, appendix A, but for the sizes."""

    lr: float = option(1e-3, "Adam's step size, with an equalised learning rate", above=0)
    beta1: float = option(0.0, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.99, "Adam's decay of the mean of squared gradients", at_least=0, below=1)
    latent_dim: int = option(128, "length of a latent vector; the paper: 512", at_least=1, at_most=65_536)
    width: int = option(
        8, "feature maps at the full resolution; doubled at each smaller one, 512 at most", at_least=1, at_most=8_192
    )
    fade: float = option(0.5, "share of a stage in which its level is blended in", above=0, at_most=1)
    last: float = option(2.0, "steps of the last stage, as a multiple of those of each other one", above=0)
    conditional: bool = option(True, "networks see the class, where the data has labels")


class ProGAN(GAN):
    """A stage for each resolution. With labels it is conditional."""

    Options = ProGANOptions
    defaults = {
        "loss": "wasserstein", "batch_size": 16, "steps": 20_000, "gradient_penalty": 10.0, "drift": 0.001,
    }  # fmt: skip
    presets: ClassVar = {
        "paper": {"latent_dim": 512, "width": 16, "batch_size": 16, "steps": 750_000, "last": 1.0},
    }  # fmt: skip
    tiny: ClassVar = {"width": 8, "latent_dim": 8}  # of four maps a pixel may be all but zero, and its norm noise

    def sides(self) -> list[int]:
        """Of each level, the smallest first."""
        return pyramid(square_side(tuple(self.data.shape)))

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        classes = len(self.data.classes) if o.conditional else 0
        return {
            "generator": GrowingGenerator(o.latent_dim, o.width, shape, classes),
            "discriminator": GrowingDiscriminator(o.width, shape, classes),
        }

    def stages(self) -> list[Stage]:
        """Side by side: each level is blended in, then trained as it is."""
        sides, found, done = self.sides(), [], 0
        count = len(sides)
        for level, side in enumerate(sides):
            share = (level + 1) / (count - 1 + self.options.last)
            end = self.config.steps if level == count - 1 else min(self.config.steps, round(share * self.config.steps))
            if end > done:
                found.append(self.stage(level, side, end - done))
            done = end
        return found

    def stage(self, level: int, side: int, steps: int) -> Stage:
        """The stage of a level."""
        fading = max(1, math.floor(self.options.fade * steps)) if level else 0
        updates = tuple(replace(u, loss=partial(self.at_level, level, u.loss)) for u in self.updates())
        if fading:
            grow = partial(self.grow, level, -(-PARTS // fading))
            updates = tuple(replace(u, after=grow) if u.name == "discriminator" else u for u in updates)
        return Stage(f"{side}x{side}", steps, updates, begin=partial(self.begin, level))

    def growths(self, state: State) -> list[Grown]:
        """Of both networks."""
        generator = self.network(state, "generator", GrowingGenerator)
        return [generator.growth, self.network(state, "discriminator", GrowingDiscriminator).growth]

    def begin(self, level: int, state: State) -> None:
        """A stage begins with the level below, or with the first one."""
        for growth in self.growths(state):
            growth.grown.fill_(max(0, level - 1) * PARTS)

    @torch.no_grad()
    def grow(self, level: int, parts: int, state: State, losses: Losses) -> None:
        """A little more of the level."""
        for growth in self.growths(state):
            growth.grown.add_(parts).clamp_(max=level * PARTS)

    def at_level(self, level: int, loss: Callable[[State, Batch], Losses], state: State, batch: Batch) -> Losses:
        """A loss with networks of that level, and with real images blended as the generated ones are."""
        growths = self.growths(state)
        for growth in growths:
            growth.levels = level + 1
        if level:
            share = growths[0].shares()[level]
            images, sides = batch["images"], self.sides()
            coarse = images
            for _ in sides[level:]:
                coarse = halved(coarse)
            for side in sides[level:]:
                coarse = enlarged(coarse, side)
            batch = {**batch, "images": torch.lerp(coarse, images, share)}
        return loss(state, batch)
