"""Two generators against one discriminator. They are also to be told apart, so that they draw different things."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganzoo.plugin import GAN, AdamOptions, Batch, Game, Losses, State, option
from ganzoo_twins.networks import Drawer, Judge, Teller

TWINS = ("first", "second")


@dataclass(frozen=True, kw_only=True)
class TwinsOptions(AdamOptions):
    """Settings of twins."""

    latent_dim: int = option(8, "length of a latent vector", at_least=1)
    width: int = option(64, "units of a hidden layer", at_least=1)
    diversity: float = option(0.3, "weight of being told apart beside the adversarial loss", at_least=0)


class Twins(GAN):
    """A game for each generator, with the same discriminator."""

    Options = TwinsOptions
    defaults: ClassVar = {"loss": "non-saturating", "batch_size": 64, "steps": 10_000}
    tiny: ClassVar = {"width": 8, "latent_dim": 4}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        drawers = {name: Drawer(o.latent_dim, o.width, shape) for name in TWINS}
        return {**drawers, "discriminator": Judge(o.width, shape), "teller": Teller(o.width, shape)}

    def games(self) -> tuple[Game, ...]:
        return tuple(Game(name, "discriminator", name=name) for name in TWINS)

    def players(self) -> dict[str, tuple[str, ...]]:
        """Generators and teller want the same thing, so one optimizer moves them."""
        return {"discriminator": ("discriminator",), "generator": (*TWINS, "teller")}

    def exports(self) -> dict[str, str]:
        return {name: name for name in TWINS}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        drawn = {game.generator: self.generated(state, batch, game) for game in self.games()}
        losses = super().generator_loss(state, batch, drawn)
        whose = torch.arange(len(TWINS), device=batch["images"].device).repeat_interleave(len(batch["images"]))
        told = cross_entropy(state.networks["teller"](torch.cat(list(drawn.values()))), whose)
        return {**losses, "told_apart": told, "total": losses["total"] + self.options.diversity * told}
