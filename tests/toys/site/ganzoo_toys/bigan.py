"""BiGAN, arXiv:1605.09782: the discriminator sees samples and latents together, and so an encoder is learned."""

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor, nn

from ganzoo.plugin import GAN, Batch, BatchLoader, Encoder, Losses, State, mlp
from ganzoo_toys.networks import LATENT, Critic, Drawer


class Inverse(Encoder):
    """Samples to latents."""

    def __init__(self, shape: tuple[int, ...], width: int = 32) -> None:
        super().__init__(LATENT)
        self.body = mlp([prod(shape), width], norm=False)
        self.head = nn.Linear(width, LATENT)

    def forward(self, samples: Tensor) -> Tensor:
        return self.head(self.body(samples.flatten(1)))


class BiGAN(GAN):
    """Pairs (x, E(x)) against pairs (G(z), z)."""

    defaults = {"loss": "non-saturating", "batch_size": 4, "steps": 100}
    supports = ("spectral_norm",)

    def networks(self) -> dict[str, nn.Module]:
        shape = self.data.shape
        critic = Critic(shape, condition="latents", length=LATENT)
        return {"generator": Drawer(shape), "encoder": Inverse(shape), "discriminator": critic}

    def players(self) -> dict[str, tuple[str, ...]]:
        return {"discriminator": ("discriminator",), "generator": ("generator", "encoder")}

    def exports(self) -> dict[str, str]:
        return {"generator": "generator", "encoder": "encoder"}

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """Latents beside the samples: both players see the same."""
        batch = loader.draw(start, n)
        return {**batch, "latents": torch.randn(len(batch["images"]), LATENT).to(batch["images"].device)}

    def both(self, state: State, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of the pairs of real samples, and of generated ones."""
        real = {**batch, "latents": state.networks["encoder"](batch["images"])}
        made = state.networks["generator"](batch["latents"])
        logits = self.discriminate(state, batch["images"], real), self.discriminate(state, made, batch)
        assert isinstance(logits[0], Tensor)
        assert isinstance(logits[1], Tensor)
        return logits[0], logits[1]

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        real, fake = self.both(state, batch)
        shown = self.loss.log_values(real.detach(), fake.detach())
        return {**shown, "total": self.loss.discriminator(real, fake)}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        real, fake = self.both(state, batch)
        return {"total": self.loss.discriminator(fake, real)}
