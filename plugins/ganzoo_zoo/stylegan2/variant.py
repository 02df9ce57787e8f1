"""StyleGAN2, arXiv:1912.04958: networks, lazy R1, and lazy path length regularisation."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.plugin import GAN, AdamOptions, Batch, Losses, State, Update, option
from ganzoo_zoo.stylegan2.networks import StyleDiscriminator, StyleGenerator, Truncation

MEAN = "path_length.mean"
DECAY = 0.01


@dataclass(frozen=True, kw_only=True)
class StyleGAN2Options(AdamOptions):
    """Settings of StyleGAN2. Defaults: arXiv:1912.04958, appendix B, and for small images arXiv:2006.06676."""

    lr: float = option(2.5e-3, "Adam's step size, with an equalised learning rate", above=0)
    beta1: float = option(0.0, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.99, "Adam's decay of the mean of squared gradients", at_least=0, below=1)
    latent_dim: int = option(128, "length of a latent vector; the paper: 512", at_least=1, at_most=65_536)
    style: int = option(128, "length of an intermediate latent; the paper: 512", at_least=1, at_most=65_536)
    width: int = option(
        16, "feature maps at the full resolution; doubled at each smaller one, 512 at most", at_least=1, at_most=8_192
    )
    mapping: int = option(2, "layers of the mapping network; 8 in the paper, 2 for CIFAR-10", at_least=1, at_most=64)
    mixing: float = option(0.9, "share of images whose style changes to another one on the way", at_least=0, at_most=1)
    path_length: float = option(2.0, "weight of path length regularisation (equation 4); 0: none", at_least=0)
    path_every: int = option(4, "iterations of which one has it, as many times as large", at_least=1, at_most=1_000)
    conditional: bool = option(True, "networks see the class, where the data has labels")


class StyleGAN2(GAN):
    """Non-saturating, with R1 in one of 16 iterations and path lengths in one of 4. With labels it is conditional."""

    Options = StyleGAN2Options
    Sampling = Truncation
    defaults = {"loss": "non-saturating", "batch_size": 32, "steps": 20_000, "r1": 1.0, "penalty_every": 16}
    presets: ClassVar = {
        "paper": {"latent_dim": 512, "style": 512, "width": 64, "mapping": 8, "r1": 10.0, "lr": 2e-3},
        "cifar10": {
            "latent_dim": 512, "style": 512, "width": 64, "mixing": 0.0, "path_length": 0.0, "batch_size": 64,
            "r1": 0.01,
        },
    }  # fmt: skip
    tiny: ClassVar = {"width": 4, "style": 8, "latent_dim": 8, "penalty_every": 2, "path_every": 2}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        classes = len(self.data.classes) if o.conditional else 0
        return {
            "generator": StyleGenerator(o.latent_dim, o.style, o.width, shape, classes, o.mapping, o.mixing),
            "discriminator": StyleDiscriminator(o.width, shape, classes, o.style),
        }

    def memory(self) -> dict[str, Tensor]:
        return {MEAN: torch.zeros(())} if self.options.path_length else {}

    def updates(self) -> tuple[Update, ...]:
        found = super().updates()
        if not self.options.path_length:
            return found
        return (*found, Update("path_length", "generator", self.path_length_loss, self.options.path_every))

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """As every GAN's; G's steps are more and a little smaller for its lazy regularisation (appendix B)."""
        found = super().optimizer(player, parameters)
        if player == "generator" and self.options.path_length:
            share = self.options.path_every / (self.options.path_every + 1)
            for group in found.param_groups:
                group["lr"] *= share
                group["betas"] = tuple(beta**share for beta in group["betas"])
        return found

    def path_length_loss(self, state: State, batch: Batch) -> Losses:
        """How far the slope of G along w is from its mean (equation 4), on half a batch."""
        o, game = self.options, self.games()[0]
        generator = self.network(state, "generator", StyleGenerator)
        count = max(1, len(batch[game.real]) // 2)
        condition = self.condition(state, game, batch)
        styles = generator.styles(generator.latents(count), None if condition is None else condition[:count])
        images = generator.draw(styles)
        noise = torch.randn_like(images) / (images.shape[2] * images.shape[3]) ** 0.5
        (slope,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        lengths = slope.float().square().sum(2).mean(1).sqrt()
        mean = state.memory[MEAN]
        mean.lerp_(lengths.detach().mean(), DECAY)
        penalty = (lengths - mean).square().mean()
        return {"path_penalty": penalty, "path_mean": mean.clone(), "total": o.path_length * o.path_every * penalty}
