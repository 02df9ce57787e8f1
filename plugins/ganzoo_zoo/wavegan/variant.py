"""WaveGAN, arXiv:1802.04208: a Wasserstein GAN with gradient penalty whose samples are waves."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, Dataset, Load, Update, option
from ganzoo_zoo.critics import N_CRITIC, with_critic
from ganzoo_zoo.wavegan.networks import WaveDiscriminator, WaveGenerator, layers_for


@dataclass(frozen=True, kw_only=True)
class WaveGANOptions(AdamOptions):
    """Settings of WaveGAN. Defaults: arXiv:1802.04208, appendix D, but for those that say otherwise."""

    lr: float = option(1e-3, "Adam's step size; the paper: 0.0001", above=0)
    beta1: float = option(0.5, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.9, "Adam's decay of the mean of squared gradients", at_least=0, below=1)
    n_critic: int = option(
        1, "steps of the critic, each on its own batch, for one of the generator; the paper: 5", at_least=1,
        at_most=10_000,
    )  # fmt: skip
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        8, "feature maps at a quarter of the samples; doubled at each fewer; the paper: 64", at_least=1, at_most=1_024
    )
    phase_shuffle: int = option(
        2, "samples that the critic's feature maps are moved by, at most, at random; 0: not at all", at_least=0,
        at_most=15,
    )  # fmt: skip
    post_filter: int = option(
        0, "length of a filter that the generator learns for its waves; 0: none; the paper: 512", at_least=0,
        at_most=4_096,
    )  # fmt: skip
    conditional: bool = option(True, "networks see the class, where the data has labels")


class WaveGAN(GAN):
    """DCGAN's networks in one dimension, and the game of WGAN-GP."""

    Options = WaveGANOptions
    defaults = {"loss": "wasserstein", "batch_size": 16, "steps": 20_000, "gradient_penalty": 10.0}
    presets: ClassVar = {
        "paper": {
            "lr": 1e-4, "n_critic": 5, "width": 64, "batch_size": 64, "steps": 1_000_000, "conditional": False,
        },
    }  # fmt: skip
    tiny: ClassVar = {"width": 1, "latent_dim": 4, "n_critic": 2, "length": 256}
    unsupported: ClassVar = {"d_steps": N_CRITIC}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        layers_for(self.data.shape[-1])  # said before a long preparation, not after

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        classes = len(self.data.classes) if o.conditional else 0
        return {
            "generator": WaveGenerator(o.latent_dim, o.width, shape, classes, o.post_filter),
            "discriminator": WaveDiscriminator(o.width, shape, classes, o.phase_shuffle),
        }

    def updates(self) -> tuple[Update, ...]:
        return with_critic(super().updates(), self.options.n_critic)
