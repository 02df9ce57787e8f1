"""SNGAN, arXiv:1802.05957: a discriminator whose layers have a largest singular value of one; and with classes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, option
from ganzoo_zoo.networks import ConvGenerator
from ganzoo_zoo.resnets import ResNetDiscriminator, ResNetGenerator
from ganzoo_zoo.sngan.networks import PlainDiscriminator


@dataclass(frozen=True, kw_only=True)
class ResNetOptions(AdamOptions):
    """Settings of residual networks. Defaults: arXiv:1802.05957, section 4 and table 4, but for step size and width."""

    lr: float = option(5e-4, "Adam's step size; the paper: 0.0002", above=0)
    beta1: float = option(0.0, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.9, "Adam's decay of the mean of squared gradients", at_least=0, below=1)
    latent_dim: int = option(128, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        16, "feature maps of D; G has twice as many, but as many where network = 'cnn'; the paper: 128, and 64 there",
        at_least=1, at_most=8_192,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SNGANOptions(ResNetOptions):
    """Settings of SNGAN."""

    network: Literal["cnn", "resnet"] = option("cnn", "the plain networks of table 3, or residual ones of table 4")


class SNGAN(GAN):
    """Nothing but networks, a hinge loss, and spectral normalisation, which is one of the tricks."""

    Options = SNGANOptions
    defaults = {"loss": "hinge", "batch_size": 64, "steps": 20_000, "spectral_norm": True}
    presets: ClassVar = {
        "paper": {
            "network": "resnet",
            "lr": 2e-4,
            "width": 128,
            "d_steps": 5,
            "steps": 500_000,
            "lr_schedule": "linear",
            "lr_decay_start": 0.0,
        },
    }
    tiny: ClassVar = {"width": 4, "latent_dim": 16}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        if o.network == "cnn":
            return {
                "generator": ConvGenerator(o.latent_dim, o.width, shape),
                "discriminator": PlainDiscriminator(o.width, shape),
            }
        return {
            "generator": ResNetGenerator(o.latent_dim, o.width, shape),
            "discriminator": ResNetDiscriminator(o.width, shape),
        }


class Projection(GAN):
    """Classes enter G through batch normalisation, and D through the product of their embedding and the features."""

    Options = ResNetOptions
    defaults = SNGAN.defaults
    presets: ClassVar = {
        name: {key: value for key, value in preset.items() if key != "network"}
        for name, preset in SNGAN.presets.items()
    }
    tiny: ClassVar = SNGAN.tiny

    def networks(self) -> dict[str, nn.Module]:
        o, shape, classes = self.options, self.data.shape, len(self.data.classes)
        return {
            "generator": ResNetGenerator(o.latent_dim, o.width, shape, classes),
            "discriminator": ResNetDiscriminator(o.width, shape, projection=classes),
        }
