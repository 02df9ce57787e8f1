"""Conditional GAN, arXiv:1411.1784: both networks see the label of every sample."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ganzoo.plugin import GAN, AdamOptions, Dataset, Load, option, reject_unused
from ganzoo_zoo.networks import ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator


@dataclass(frozen=True, kw_only=True)
class CGANOptions(AdamOptions):
    """Settings of the conditional GAN."""

    lr: float = option(5e-4, "Adam's step size", above=0)
    network: Literal["conv", "mlp"] = option("conv", "convolutional networks, or fully connected ones as in the paper")
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        32,
        "feature maps at half the full resolution, or a quarter of the narrowest hidden layer",
        at_least=1,
        at_most=8_192,
    )
    d_norm: Literal["batch", "none"] = option("batch", "normalisation in D; gradient penalties need none")
    d_labels: Literal["projection", "maps"] = option(
        "projection",
        "how D sees the class: its embedding times the features of the image (arXiv:1802.05637), or constant maps "
        "beside the image, as in arXiv:1411.1784",
    )


class CGAN(GAN):
    """Real and generated samples are judged together with their labels; generated ones take the batch's labels."""

    Options = CGANOptions
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    presets: ClassVar = {"paper": {"network": "mlp", "width": 64, "lr": 2e-4, "batch_size": 100}}
    tiny: ClassVar = {"width": 8}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.options.network == "mlp":
            reject_unused(self.options, ("d_norm",), "the fully connected discriminator has no normalisation")
            reject_unused(self.options, ("d_labels",), "the fully connected discriminator sees the class one-hot")

    def networks(self) -> dict[str, nn.Module]:
        o, shape, classes = self.options, self.data.shape, len(self.data.classes)
        if o.network == "mlp":
            return {
                "generator": MLPGenerator(o.latent_dim, [4 * o.width, 8 * o.width, 16 * o.width], shape, classes),
                "discriminator": MLPDiscriminator([8 * o.width, 4 * o.width], shape, classes, dropout=0.3),
            }
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape, classes),
            "discriminator": ConvDiscriminator(
                o.width, shape, classes, o.d_norm == "batch", o.d_labels == "projection"
            ),
        }
