"""IcGAN, arXiv:1611.06355: first a conditional GAN, then the two encoders that invert it."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from ganzoo.plugin import (
    GAN,
    AdamOptions,
    Batch,
    Dataset,
    Encoder,
    Generator,
    Load,
    Losses,
    Stage,
    State,
    option,
)
from ganzoo_zoo.encoders import game_then_encoder
from ganzoo_zoo.icgan.networks import (
    AttributeDiscriminator,
    AttributeGenerator,
    Attributes,
    ConvAttributeEncoder,
    LatentEncoder,
)

EXAMPLES = 64
"""Rows of attributes that a generator keeps, to sample from."""


@dataclass(frozen=True, kw_only=True)
class IcGANOptions(AdamOptions):
    """Settings of IcGAN."""

    lr: float = option(5e-4, "Adam's step size; the paper: 0.0002", above=0)
    latent_dim: int = option(64, "length of a latent vector; the paper: 100", at_least=1, at_most=65_536)
    width: int = option(
        32, "feature maps at half the full resolution; doubled at each smaller one", at_least=1, at_most=8_192
    )
    encoder_share: float = option(
        0.3, "share of the iterations that train the encoders, after the game", above=0, below=1
    )


class IcGAN(GAN):
    """``steps`` counts the iterations of both stages."""

    Options = IcGANOptions
    Sampling = Attributes
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    tiny: ClassVar = {"width": 4, "latent_dim": 8}
    _examples: Tensor | None = None

    def prepare(self, dataset: Dataset, load: Load) -> None:
        # At random: a folder may be sorted.
        rng = torch.Generator().manual_seed(0)
        chosen = torch.randint(self.data.count, (EXAMPLES,), generator=rng)
        self._examples = dataset.fetch("attributes", chosen).cpu()

    def names(self) -> tuple[str, ...]:
        """The attributes of the data."""
        return tuple(self.data.extra["attributes"])

    def networks(self) -> dict[str, nn.Module]:
        o, shape, names = self.options, self.data.shape, self.names()
        generator = AttributeGenerator(o.latent_dim, o.width, shape, names)
        if self._examples is not None:
            generator.remember(self._examples)
        return {
            "generator": generator,
            "encoder": LatentEncoder(o.latent_dim, o.width, shape),
            "attributes": ConvAttributeEncoder(names, o.width, shape),
            "discriminator": AttributeDiscriminator(o.width, shape, len(names)),
        }

    def players(self) -> dict[str, tuple[str, ...]]:
        return {**super().players(), "encoder": ("encoder", "attributes")}

    def exports(self) -> dict[str, str]:
        return {role: role for role in ("generator", "encoder", "attributes")}

    def stages(self) -> list[Stage]:
        """The game; then the encoders, while the generator stands still."""
        steps, share = self.config.steps, self.options.encoder_share
        return game_then_encoder(steps, share, self.updates(), self.encoder_loss, frozen="generator")

    def encoder_loss(self, state: State, batch: Batch) -> Losses:
        """The latents of drawn images, and the attributes of real ones: equations 3 and 4."""
        generator = self.network(state, "generator", Generator)
        reader = self.network(state, "attributes", ConvAttributeEncoder)
        attributes = batch["attributes"]
        generator.eval()  # running statistics stand still too
        latents = generator.latents(len(attributes))
        with torch.no_grad():
            images = generator(latents, attributes)
        found: Tensor = self.network(state, "encoder", Encoder)(images)
        latent = mse_loss(found.float(), latents)
        attribute = binary_cross_entropy_with_logits(reader.logits(batch["images"]).float(), attributes)
        return {"latent": latent, "attribute": attribute, "total": latent + attribute}
