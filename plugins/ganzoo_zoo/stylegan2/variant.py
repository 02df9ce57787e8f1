"""StyleGAN2, arXiv:1912.04958: networks, lazy R1, and lazy path length regularisation."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, option
from ganzoo_zoo.stylegan2.networks import StyleDiscriminator, StyleGenerator, Truncation


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
    conditional: bool = option(True, "networks see the class, where the data has labels")


class StyleGAN2(GAN):
    """Non-saturating, with R1 in one of 16 iterations and path lengths in one of 4. With labels it is conditional."""

    Options = StyleGAN2Options
    Sampling = Truncation
    defaults = {
        "loss": "non-saturating", "batch_size": 32, "steps": 20_000, "r1": 1.0, "penalty_every": 16,
        "path_length": 2.0,
    }  # fmt: skip
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
