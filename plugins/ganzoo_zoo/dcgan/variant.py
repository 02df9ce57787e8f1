"""DCGAN, arXiv:1511.06434: convolutional networks, everything else as in every variant."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, option
from ganzoo_zoo.networks import ConvDiscriminator, ConvGenerator


@dataclass(frozen=True, kw_only=True)
class DCGANOptions(AdamOptions):
    """Settings of DCGAN."""

    lr: float = option(5e-4, "Adam's step size; the paper: 0.0002", above=0)
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        32,
        "feature maps at half the full resolution; doubled at each smaller one, up to 8 times; the paper: 128",
        at_least=1,
        at_most=8_192,
    )
    d_norm: Literal["batch", "none"] = option("batch", "normalisation in D; gradient penalties need none")


class DCGAN(GAN):
    """Fractionally strided convolutions against strided ones."""

    Options = DCGANOptions
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    presets: ClassVar = {"paper": {"lr": 2e-4, "width": 128, "batch_size": 128}}
    tiny: ClassVar = {"width": 8}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape),
            "discriminator": ConvDiscriminator(o.width, shape, norm=o.d_norm == "batch"),
        }
