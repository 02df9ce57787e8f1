"""WGAN, arXiv:1701.07875, and WGAN-GP, arXiv:1704.00028: both estimate the Wasserstein distance between real and
generated samples by a critic of bounded slope, trained further than the generator in every iteration."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.optim import Optimizer, RMSprop

from ganzoo.plugin import (
    GAN,
    AdamOptions,
    ConfigError,
    Dataset,
    FusedRMSprop,
    Load,
    Losses,
    Options,
    State,
    Update,
    fused,
    option,
    reject_unused,
)
from ganzoo_zoo.critics import N_CRITIC, with_critic
from ganzoo_zoo.networks import ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator


@dataclass(frozen=True, kw_only=True)
class CriticOptions(Options):
    """Settings of both."""

    n_critic: int = option(
        5, "steps of the critic, each on its own batch, for one of the generator", at_least=1, at_most=10_000
    )
    network: Literal["auto", "conv", "mlp"] = option(
        "auto", "convolutional networks or fully connected ones; auto: conv for images, mlp for points"
    )
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        16,
        "feature maps at half the full resolution, or a quarter of the units of a hidden layer",
        at_least=1,
        at_most=8_192,
    )


@dataclass(frozen=True, kw_only=True)
class WGANOptions(CriticOptions):
    """Settings of WGAN. Defaults: arXiv:1701.07875, algorithm 1."""

    lr: float = option(5e-4, "RMSprop's step size; the paper: 0.00005", above=0)
    clip: float = option(0.01, "the critic's weights are kept within plus and minus this", above=0)
    d_norm: Literal["batch", "none"] = option("batch", "normalisation in the convolutional critic")


@dataclass(frozen=True, kw_only=True)
class WGANGPOptions(CriticOptions, AdamOptions):
    """Settings of WGAN-GP. Defaults: arXiv:1704.00028, algorithm 1."""

    lr: float = option(5e-4, "Adam's step size; the paper: 0.0001", above=0)
    n_critic: int = option(
        2, "steps of the critic, each on its own batch, for one of the generator; the paper: 5", at_least=1,
        at_most=10_000,
    )  # fmt: skip
    beta1: float = option(0.0, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.9, "Adam's decay of the mean of squared gradients", at_least=0, below=1)


class Wasserstein(GAN):
    """What both share: networks, and n_critic steps of the critic for one of the generator.

    An iteration is one step of the critic, so that images are counted as they are seen.
    """

    unsupported: ClassVar = {"d_steps": N_CRITIC}
    lipschitz = True
    tiny: ClassVar = {"width": 8, "n_critic": 2}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.is_mlp:
            reject_unused(self.options, ("d_norm",), "the fully connected critic has no normalisation")

    @property
    def is_mlp(self) -> bool:
        """Whether its networks are fully connected."""
        return self.options.network == "mlp" or (self.options.network == "auto" and self.data.kind != "images")

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        hidden = [4 * o.width] * 3
        if self.is_mlp:
            return {
                "generator": MLPGenerator(o.latent_dim, hidden, shape, norm=False),
                "discriminator": MLPDiscriminator(hidden, shape),
            }
        if self.data.kind != "images":
            raise ConfigError(f"network = 'conv' is for images; the data are {self.data.kind}: -o network=mlp.")
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape),
            "discriminator": ConvDiscriminator(o.width, shape, norm=self.critic_norm()),
        }

    def critic_norm(self) -> bool:
        """Whether the convolutional critic has batch normalisation."""
        return False

    def after_critic(self, state: State, losses: Losses) -> None:
        """Called after every step of the critic."""

    def updates(self) -> tuple[Update, ...]:
        return with_critic(super().updates(), self.options.n_critic, self.after_critic)


class WGAN(Wasserstein):
    """The critic's weights are clipped after each of its steps; RMSprop."""

    unsupported: ClassVar = {
        **Wasserstein.unsupported,
        "spectral_norm": "clipping would act on weights before they are normalised",
    }

    Options = WGANOptions
    defaults = {"loss": "wasserstein", "batch_size": 64, "steps": 50_000}
    defaults_by_kind: ClassVar = {"points": {"lr": 5e-5, "width": 64}}
    presets: ClassVar = {"paper": {"lr": 5e-5, "width": 64}}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        kind = FusedRMSprop if fused(parameters) else RMSprop
        return kind(parameters, lr=self.options.lr)

    def critic_norm(self) -> bool:
        return self.options.d_norm == "batch"

    @torch.no_grad()
    def after_critic(self, state: State, losses: Losses) -> None:
        # Of batch normalisation too the parameters are clipped: algorithm 1 says all of w, as does the authors' code.
        for parameter in state.networks["discriminator"].parameters():
            parameter.clamp_(-self.options.clip, self.options.clip)


class WGANGP(Wasserstein):
    """A gradient penalty holds the critic's slope; Adam; no batch normalisation in the critic."""

    Options = WGANGPOptions
    defaults = {"loss": "wasserstein", "batch_size": 64, "steps": 50_000, "gradient_penalty": 10.0}
    defaults_by_kind: ClassVar = {"points": {"lr": 1e-4, "width": 64, "n_critic": 5}}
    presets: ClassVar = {"paper": {"lr": 1e-4, "width": 64, "n_critic": 5}}
    lipschitz = False  # it is the penalty that bounds the slope, and it can be set to zero
