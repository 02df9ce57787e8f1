"""AC-GAN, arXiv:1610.09585: a second last layer of D tells classes apart, and G is to be told apart rightly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    Dataset,
    Load,
    Losses,
    State,
    last_features,
    option,
    reject_unused,
)
from ganzoo_zoo.acgan.networks import ConvGuesser
from ganzoo_zoo.networks import ConvGenerator
from ganzoo_zoo.resnets import ResNetDiscriminator, ResNetGenerator

SHARED = ("minibatch_kernels", "minibatch_std")
"""Tricks that change what the last layer sees."""


@dataclass(frozen=True, kw_only=True)
class ACGANOptions(AdamOptions):
    """Settings of AC-GAN."""

    lr: float = option(5e-4, "Adam's step size; the paper: 0.0002", above=0)
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    network: Literal["conv", "resnet"] = option(
        "conv", "DCGAN's networks, as in the paper, or the residual ones of sngan"
    )
    width: int = option(
        32, "feature maps at half the full resolution; of the residual ones those of D", at_least=1, at_most=8_192
    )
    d_norm: Literal["batch", "none"] = option("batch", "normalisation in D; gradient penalties need none")

    guess: Literal["cross-entropy", "d2d-ce"] = option(
        "cross-entropy", "loss of the class, or that of ReACGAN, which also compares samples: arXiv:2111.01118, eq. 7"
    )
    d_weight: float = option(1.0, "weight of the class beside D's loss", at_least=0)
    g_weight: float = option(0.2, "weight of the class beside G's loss", at_least=0)
    temperature: float = option(0.5, "temperature of d2d-ce", above=0)
    margins: float = option(
        0.02, "d2d-ce ignores similarities below this, and above 1 minus this", at_least=0, below=0.5
    )


class ACGAN(GAN):
    """DCGAN's networks with a second last layer of D; or SNGAN's, where classes enter G by batch normalisation."""

    Options = ACGANOptions
    defaults: ClassVar = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    presets: ClassVar = {
        "paper": {"width": 96, "lr": 2e-4, "batch_size": 100},
        "resnet": {
            "network": "resnet", "lr": 2e-4, "beta1": 0.0, "beta2": 0.9, "latent_dim": 128,
            "loss": "hinge", "spectral_norm": True, "d_steps": 2,
        },
    }  # fmt: skip
    tiny: ClassVar = {"width": 4, "latent_dim": 16}
    supports = tuple(trick for trick in LOSS_TRICKS if trick not in SHARED)
    unsupported: ClassVar = dict.fromkeys(SHARED, "the layer that guesses classes shares the features of the last one")

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.options.network == "resnet":
            reject_unused(self.options, ("d_norm",), "the residual discriminator has no normalisation")
        if self.options.guess == "cross-entropy":
            reject_unused(self.options, ("temperature", "margins"), "guess = 'cross-entropy' has neither")

    def networks(self) -> dict[str, nn.Module]:
        o, shape, classes = self.options, self.data.shape, len(self.data.classes)
        if o.network == "resnet":
            return {
                "generator": ResNetGenerator(o.latent_dim, o.width, shape, classes),
                "discriminator": ResNetDiscriminator(o.width, shape, guesses=classes),
            }
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape, classes),
            "discriminator": ConvGuesser(o.width, shape, classes, norm=o.d_norm == "batch"),
        }

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """D's loss, and that of the classes of real images (equation 3).

        Generated images teach D no class: D would accept whatever G calls by a name, and both would agree on pictures
        that are easy to name instead of like the data.
        """
        with last_features(state.networks["discriminator"]) as seen:
            losses = super().discriminator_loss(state, batch, generated)
        # Real images come first, whether the two kinds were judged in one pass or in two.
        guess = self.guess_loss(state, seen[0][: len(batch["labels"])], batch["labels"])
        return {**losses, "class_real": guess, "total": losses["total"] + self.options.d_weight * guess}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """G's loss, and that of the classes it was asked for."""
        with last_features(state.networks["discriminator"]) as seen:
            losses = super().generator_loss(state, batch, generated)
        guess = self.guess_loss(state, seen[0], batch["labels"])
        return {**losses, "class_fake": guess, "total": losses["total"] + self.options.g_weight * guess}

    def guess_loss(self, state: State, features: Tensor, labels: Tensor) -> Tensor:
        """How badly classes are told apart from features [N, F]."""
        network = state.networks["discriminator"]
        assert isinstance(network, ResNetDiscriminator | ConvGuesser), "networks() makes it"
        assert network.guessing is not None, "networks() asks for it"
        if self.options.guess == "cross-entropy":
            return cross_entropy(network.guessing(features).float(), labels)
        return data_to_data(
            features.float(), network.guessing.weight.float(), labels, self.options.temperature, self.options.margins
        )


def data_to_data(features: Tensor, proxies: Tensor, labels: Tensor, temperature: float, margin: float) -> Tensor:
    """Data-to-data cross-entropy: arXiv:2111.01118, equation 7. A sample is to be near the proxy of its class, and far
    from the samples of others; pairs that are easy already count for nothing.

    Args:
        features: [N, F]; only their directions count.
        proxies: of the classes, [classes, F].
        margin: m_n; 1 minus it is m_p.
    """
    features, proxies = normalize(features), normalize(proxies)
    near = ((features * proxies[labels]).sum(1) - (1 - margin)).clamp(max=0) / temperature
    far = (features @ features.T - margin).clamp(min=0) / temperature
    others = labels[:, None] != labels
    far = far.masked_fill(~others, -torch.inf)
    return (torch.logsumexp(torch.cat([near[:, None], far], 1), 1) - near).mean()
