"""RpGAN, arXiv:1807.00734: its networks, its settings, and the loss it is trained with. The rest is ganzoo's."""

from dataclasses import dataclass

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, option
from ganzoo_relativistic.networks import ConvDiscriminator, ConvGenerator


@dataclass(frozen=True, kw_only=True)
class RpGANOptions(AdamOptions):
    """Settings of RpGAN. Each is an ``-o KEY=VALUE`` of ``ganzoo train`` and a line of ``ganzoo info``."""

    latent_dim: int = option(64, "length of a latent vector", at_least=1)
    width: int = option(32, "feature maps at half the full resolution; doubled at each smaller one", at_least=1)


class RpGAN(GAN):
    """Real and generated images are judged in pairs."""

    Options = RpGANOptions
    defaults = {"loss": "relativistic", "batch_size": 64, "steps": 10_000}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape),
            "discriminator": ConvDiscriminator(o.width, shape),
        }
