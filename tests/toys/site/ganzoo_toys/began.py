"""BEGAN, arXiv:1703.10717: the discriminator is an autoencoder, and a controlled variable balances the two players."""

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor, nn

from ganzoo.plugin import GAN, Batch, Discriminator, Losses, State, Update, mlp
from ganzoo_toys.networks import Drawer

DIVERSITY, PACE = 0.5, 0.01


class Autoencoder(Discriminator):
    """Samples to how badly each is reconstructed, [N]."""

    independent = True

    def __init__(self, shape: tuple[int, ...], hidden: int = 16) -> None:
        super().__init__()
        self.body = mlp([prod(shape), hidden], norm=False)
        self.head = nn.Linear(hidden, prod(shape))

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return (self.head(self.body(samples.flatten(1))) - samples.flatten(1)).abs().mean(1)


class BEGAN(GAN):
    """k, how much generated samples count, follows the balance of the two errors."""

    defaults = {"batch_size": 4, "steps": 100}
    supports = ()

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": Drawer(self.data.shape), "discriminator": Autoencoder(self.data.shape)}

    def memory(self) -> dict[str, Tensor]:
        return {"k": torch.zeros(())}

    def updates(self) -> tuple[Update, ...]:
        return (
            Update("discriminator", "discriminator", self.discriminator_loss, after=self.balance),
            Update("generator", "generator", self.generator_loss),
        )

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        with torch.no_grad():
            fake = self.generated(state, batch)
        real_error, fake_error = self.discriminate_both(state, batch["images"], fake, batch)
        real, made, k = real_error.mean(), fake_error.mean(), state.memory["k"]
        return {"total": real - k * made, "real": real, "made": made, "k": k.clone()}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        return {"total": self.discriminate(state, self.generated(state, batch), batch).mean()}

    def balance(self, state: State, losses: Losses) -> None:
        """Equation 5."""
        state.memory["k"].add_(PACE * (DIVERSITY * losses["real"] - losses["made"])).clamp_(0, 1)
