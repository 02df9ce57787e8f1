"""LoGAN, arXiv:1810.10395: AC-WGAN-GP, which draws logos of the colour that is asked for."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ganzoo.plugin import option
from ganzoo_zoo.acgan.networks import ConvGuesser
from ganzoo_zoo.acgan.variant import ACGAN, ACGANOptions
from ganzoo_zoo.networks import ConvGenerator


@dataclass(frozen=True, kw_only=True)
class LoGANOptions(ACGANOptions):
    """Settings of LoGAN."""

    lr: float = option(5e-4, "Adam's step size", above=0)
    g_weight: float = option(1.0, "weight of the class beside G's loss", at_least=0)
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    network: Literal["conv", "resnet"] = option("conv", "DCGAN's networks, or the residual ones of acgan")
    width: int = option(
        32, "feature maps at half the full resolution; of the residual ones those of D", at_least=1, at_most=8_192
    )


class LoGAN(ACGAN):
    """AC-GAN's two last layers on a Wasserstein critic, whose slope a gradient penalty holds."""

    Options = LoGANOptions
    defaults: ClassVar = {
        "loss": "wasserstein", "batch_size": 64, "steps": 20_000, "gradient_penalty": 10.0, "d_steps": 2,
    }  # fmt: skip
    presets: ClassVar = {"paper": {"network": "resnet", "width": 128, "lr": 2e-4, "d_steps": 5}}
    tiny: ClassVar = {"width": 4, "latent_dim": 16}

    def networks(self) -> dict[str, nn.Module]:
        o, shape, classes = self.options, self.data.shape, len(self.data.classes)
        if o.network == "resnet":
            return super().networks()
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape, classes),
            "discriminator": ConvGuesser(o.width, shape, classes),
        }
