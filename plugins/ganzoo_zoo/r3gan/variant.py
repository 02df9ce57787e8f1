"""R3GAN, arXiv:2501.05441: what is left of StyleGAN2 when its loss is well-behaved."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, Dataset, Discriminator, Generator, Load, option, reject_unused
from ganzoo_zoo.networks import ConvDiscriminator, ConvGenerator
from ganzoo_zoo.r3gan.networks import R3Discriminator, R3Generator


@dataclass(frozen=True, kw_only=True)
class R3GANOptions(AdamOptions):
    """Settings of R3GAN. Defaults: best of a few on small images; ``--preset paper`` has arXiv:2501.05441's."""

    lr: float = option(1e-3, "Adam's step size; the paper: 0.0002, falling to 0.00005", above=0)
    beta1: float = option(0.0, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.9, "Adam's decay of the mean of squared gradients", at_least=0, below=1)
    latent_dim: int = option(64, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        32, "feature maps at the highest resolution of a network; twice as many at the next, four times from there on",
        at_least=1, at_most=8_192,
    )  # fmt: skip
    blocks: int = option(1, "residual blocks at each resolution; the paper: 2", at_least=1, at_most=16)
    group: int = option(16, "maps in a group of the 3x3 convolutions", at_least=1, at_most=8_192)
    stem: Literal[1, 2, 4] = option(
        2, "side of the patches of pixels that residual networks read and write; 1, as in the paper, is dearest: the "
        "maps are as large as the image"
    )  # fmt: skip
    g_network: Literal["dcgan", "residual"] = option(
        "dcgan", "generator: DCGAN's, whose batch normalisation lets it cover the data within minutes, or the paper's"
    )
    d_network: Literal["dcgan", "residual"] = option(
        "dcgan", "discriminator: DCGAN's without normalisation, whose steps are cheaper, or the paper's"
    )
    conditional: bool = option(True, "networks see the class, where the data has labels")


class R3GAN(GAN):
    """Relativistic pairs with R1 and R2. With labels it is conditional."""

    Options = R3GANOptions
    defaults = {
        "loss": "relativistic-pairing", "batch_size": 32, "steps": 40_000, "r1": 0.05, "r2": 0.05,
        "penalty_slope": "difference",
    }  # fmt: skip
    presets: ClassVar = {
        "gpu": {
            "lr": 5e-4, "g_network": "residual", "d_network": "residual", "width": 96, "blocks": 2, "stem": 1,
            "batch_size": 128, "steps": 50_000, "penalty_slope": "exact",
        },
        "paper": {
            "lr": 2e-4, "beta2": 0.9, "g_network": "residual", "d_network": "residual", "width": 192, "blocks": 2,
            "stem": 1, "batch_size": 512, "steps": 390_000, "r1": 0.05, "r2": 0.05, "penalty_slope": "exact",
            "anneal_images": 20_000_000, "anneal": "lr=5e-5, beta2=0.99, r1=0.005, r2=0.005",
        },
    }  # fmt: skip
    tiny: ClassVar = {"width": 8, "latent_dim": 16}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.options.g_network == self.options.d_network == "dcgan":
            reject_unused(self.options, ("blocks", "group", "stem"), "neither network is residual")

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        classes = len(self.data.classes) if o.conditional else 0
        generator: Generator
        if o.g_network == "dcgan":
            generator = ConvGenerator(o.latent_dim, o.width, shape, classes)
        else:
            generator = R3Generator(o.latent_dim, o.width, shape, classes, o.blocks, o.group, o.stem)
        judge: Discriminator
        if o.d_network == "dcgan":
            judge = ConvDiscriminator(o.width, shape, classes, norm=False, projection=True)
        else:
            judge = R3Discriminator(o.width, shape, classes, o.blocks, o.group, o.stem)
        return {"generator": generator, "discriminator": judge}
