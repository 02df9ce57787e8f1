"""BiGAN, arXiv:1605.09782: D tells (image, its code) from (drawn image, its latent)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.plugin import (
    GAN,
    INPUT_TRICKS,
    NETWORK_TRICKS,
    AdamOptions,
    Batch,
    BatchLoader,
    Encoder,
    Generator,
    Losses,
    State,
    derived_seed,
    option,
)
from ganzoo_zoo.bigan.networks import JointDiscriminator
from ganzoo_zoo.networks import ConvEncoder, ConvGenerator

ADAPTED = ("ada", "ada_images", "diffusion", "diffusion_images")
"""Tricks that follow the logits of the usual loss."""


@dataclass(frozen=True, kw_only=True)
class BiGANOptions(AdamOptions):
    """Settings of BiGAN. Defaults: arXiv:1605.09782, appendix B, but for the networks."""

    latent_dim: int = option(50, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        32, "feature maps at half the full resolution; doubled at each smaller one", at_least=1, at_most=8_192
    )
    hidden: int = option(512, "units of D where pictures and latents meet", at_least=1, at_most=8_192)


class BiGAN(GAN):
    """The generator and the encoder are one player: both make pairs that D takes for the other's."""

    Options = BiGANOptions
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 30_000}
    tiny: ClassVar = {"width": 4, "hidden": 8, "latent_dim": 8}
    supports = tuple(trick for trick in (*NETWORK_TRICKS, *INPUT_TRICKS) if trick not in ADAPTED)

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape),
            "encoder": ConvEncoder(o.latent_dim, o.width, shape),
            "discriminator": JointDiscriminator(o.latent_dim, o.width, shape, o.hidden),
        }

    def players(self) -> dict[str, tuple[str, ...]]:
        return {"discriminator": ("discriminator",), "generator": ("generator", "encoder")}

    def exports(self) -> dict[str, str]:
        return {"generator": "generator", "encoder": "encoder"}

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """Images, and the ``"latents"`` [N, latent_dim] that the generator draws in this iteration."""
        batch = loader.draw(start, n)
        rng = torch.Generator().manual_seed(derived_seed("latents", self.config.seed, start))
        images = batch["images"]
        return {**batch, "latents": torch.randn(len(images), self.options.latent_dim, generator=rng).to(images.device)}

    def pairs(self, state: State, batch: Batch) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Images and their codes; drawn images and their latents."""
        images, latents = batch["images"], batch["latents"]
        generator = self.network(state, "generator", Generator)
        return (images, self.network(state, "encoder", Encoder)(images)), (generator(latents), latents)

    def judged(self, state: State, batch: Batch, pair: tuple[Tensor, Tensor]) -> Tensor:
        """Logits [N] of images beside their latents."""
        images, latents = pair
        logits = self.discriminate(state, images, {**batch, "latents": latents})
        assert isinstance(logits, Tensor), "a single head"
        return logits

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Equation 2."""
        with torch.no_grad():
            pairs = self.pairs(state, batch)
        real, fake = (self.judged(state, batch, pair) for pair in pairs)
        shown = self.loss.log_values(real.detach(), fake.detach())
        return {**shown, "total": self.loss.discriminator(real, fake)}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """D's loss with the two kinds exchanged: the inverse objective of section 3.4, which has stronger gradients."""
        real, fake = (self.judged(state, batch, pair) for pair in self.pairs(state, batch))
        return {"total": self.loss.discriminator(fake, real)}
