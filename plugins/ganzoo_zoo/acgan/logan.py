"""LoGAN, arXiv:1810.10395: AC-WGAN-GP, which draws logos of the colour that is asked for."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ganzoo.plugin import option
from ganzoo_zoo.acgan.variant import ACGAN, ACGANOptions


@dataclass(frozen=True, kw_only=True)
class LoGANOptions(ACGANOptions):
    """Settings of LoGAN."""

    beta1: float = option(0.0, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.9, "Adam's decay of the mean of squared gradients", at_least=0, below=1)
    g_weight: float = option(1.0, "weight of the class beside G's loss", at_least=0)
    d_norm: Literal["batch", "none"] = option("none", "normalisation in D; the gradient penalty needs none")


class LoGAN(ACGAN):
    """AC-GAN's two last layers on a Wasserstein critic, whose slope a gradient penalty holds."""

    Options = LoGANOptions
    defaults: ClassVar = {
        "loss": "wasserstein", "batch_size": 64, "steps": 20_000, "gradient_penalty": 10.0, "d_steps": 2,
    }  # fmt: skip
    presets: ClassVar = {"paper": {"network": "resnet", "width": 128, "lr": 2e-4, "d_steps": 5}}
