"""InfoGAN, arXiv:1606.03657: codes that a second head of the discriminator must read out of the samples."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from ganzoo.plugin import GAN, LOSS_TRICKS, Batch, CodeCondition, Losses, Options, State, Update, option
from ganzoo_toys.networks import Critic, Drawer

CHOICES = 3


@dataclass(frozen=True, kw_only=True)
class Codes(Options):
    """What can be asked of a sample."""

    code: int | None = option(None, "the categorical code; none: drawn", at_least=0, below=CHOICES)
    turn: float | None = option(None, "the continuous code; none: drawn", at_least=-1, at_most=1)


class Coded(Drawer):
    """A generator that is told codes beside its latent."""

    Sampling = Codes

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, CodeCondition([CHOICES], 1), CHOICES + 1)

    def condition_from(self, sampling: Any, n: int, rng: torch.Generator) -> Tensor | None:
        if sampling.code is None and sampling.turn is None:
            return None
        assert isinstance(self.condition, CodeCondition)
        (chosen,), numbers = self.condition.decode(self.condition.draw(n, rng))
        chosen = chosen if sampling.code is None else torch.full_like(chosen, sampling.code)
        numbers = numbers if sampling.turn is None else torch.full_like(numbers, sampling.turn)
        return self.condition.encode([chosen], numbers)


class Reader(nn.Module):
    """The discriminator's body with its own head: samples to what their codes seem to be."""

    def __init__(self, critic: Critic) -> None:
        super().__init__()
        self.body, self.head = critic.body, nn.Linear(critic.head.in_features, CHOICES + 1)

    def forward(self, samples: Tensor) -> Tensor:
        return self.head(self.body(samples.flatten(1)))


class InfoGAN(GAN):
    """The body of the discriminator belongs to two players."""

    Sampling = Codes
    defaults = {"loss": "non-saturating", "batch_size": 4, "steps": 100}
    supports = LOSS_TRICKS

    def networks(self) -> dict[str, nn.Module]:
        critic = Critic(self.data.shape)
        return {"generator": Coded(self.data.shape), "discriminator": critic, "reader": Reader(critic)}

    def players(self) -> dict[str, tuple[str, ...]]:
        return {**super().players(), "information": ("generator", "reader")}

    def updates(self) -> tuple[Update, ...]:
        return (*super().updates(), Update("information", "information", self.information_loss))

    def information_loss(self, state: State, batch: Batch) -> Losses:
        """Equation 5, with a fixed variance."""
        generator = self.network(state, "generator", Coded)
        codes = generator.condition.draw(len(batch["images"])).to(batch["images"].device)  # type: ignore[union-attr]
        found = state.networks["reader"](generator(generator.latents(len(codes)), codes))
        category = cross_entropy(found[:, :CHOICES], codes[:, :CHOICES].argmax(1))
        return {"total": category + 0.1 * mse_loss(found[:, CHOICES:], codes[:, CHOICES:]), "category": category}
