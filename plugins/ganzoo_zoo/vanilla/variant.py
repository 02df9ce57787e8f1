"""Vanilla GAN, arXiv:1406.2661: nothing but networks; the rest is what every variant does by default."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, option
from ganzoo_zoo.networks import MLPDiscriminator, MLPGenerator


@dataclass(frozen=True, kw_only=True)
class VanillaOptions(AdamOptions):
    """Settings of the vanilla GAN."""

    lr: float = option(5e-4, "Adam's step size", above=0)
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        256,
        "units of G's first and D's last hidden layer; the others are 2 and 4 times as wide",
        at_least=1,
        at_most=8_192,
    )
    dropout: float = option(0.3, "share of D's last hidden units left out in a step", at_least=0, below=1)


class Vanilla(GAN):
    """Fully connected generator and discriminator."""

    Options = VanillaOptions
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 40_000}
    defaults_by_kind: ClassVar = {
        "points": {
            "lr": 1e-3, "batch_size": 128, "width": 64, "latent_dim": 4, "dropout": 0.0, "r1": 0.02, "penalty_every": 4,
            "steps": 30_000,
        },
    }  # fmt: skip
    presets: ClassVar = {
        "paper": {
            "lr": 2e-4, "batch_size": 128, "width": 256, "latent_dim": 100, "dropout": 0.3, "r1": 0.0,
            "penalty_every": 1,
        },
    }  # fmt: skip
    tiny: ClassVar = {"width": 8}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        return {
            "generator": MLPGenerator(o.latent_dim, [o.width, 2 * o.width, 4 * o.width], shape),
            "discriminator": MLPDiscriminator([2 * o.width, o.width], shape, dropout=o.dropout),
        }
