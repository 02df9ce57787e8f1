"""StackGAN, arXiv:1612.03242: the encoder of texts learns, then a GAN of small pictures, then one of large pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ganzoo.plugin import (
    LOSS_TRICKS,
    Batch,
    BatchLoader,
    ConfigError,
    Game,
    Losses,
    Stage,
    State,
    Update,
    option,
    square_side,
)
from ganzoo_zoo.text2image.matching import TextGAN, TextOptions
from ganzoo_zoo.text2image.networks import TextDiscriminator
from ganzoo_zoo.text2image.stacked import FirstStage, SecondStage, StackedGenerator, StackedTexts

SMALL = "small"
"""The field of a batch that holds its images as small as those of the first stage."""
LEAST = 8
"""Pixels of a side of small images."""
OWN_PLAYERS = "each of the two stages has players of its own, and its updates are taken in turn"
LEFT_OUT = {
    **dict.fromkeys(
        ("penalty_every", "path_length", "train_d_above", "train_g_above", "d_steps", "g_steps"), OWN_PLAYERS
    ),
    "instance_noise": "it would fade over both stages together, and be gone when the second one needs it",
}


@dataclass(frozen=True, kw_only=True)
class StackGANOptions(TextOptions):
    """Settings of StackGAN. Defaults: arXiv:1612.03242, section 4, where nothing else is said."""

    latent_dim: int = option(32, "noise of the first stage; the paper: 100", at_least=1, at_most=65_536)
    scale: Literal[2, 4] = option(4, "how many times as large the pictures of the second stage are")
    augmented: int = option(32, "numbers of an augmented condition; the paper: 128", at_least=1, at_most=8_192)
    divergence: float = option(1.0, "lambda of equation 4, of the mean over numbers", at_least=0)
    blocks: int = option(2, "residual blocks of the second stage; the paper: 4 for 256 pixels", at_least=0, at_most=64)
    first_share: float = option(0.4, "share of the game's iterations that train the first stage", above=0, below=1)


class StackGAN(TextGAN):
    """Each stage has a generator and a discriminator; the first stands still while the second learns."""

    Options = StackGANOptions
    Sampling = StackedTexts
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 30_000}
    tiny: ClassVar = {
        "width": 4, "latent_dim": 4, "reduced": 4, "embedding": 8, "text_width": 4, "augmented": 4, "blocks": 1,
        "scale": 2, "resolution": 16,
    }  # fmt: skip
    supports = tuple(trick for trick in LOSS_TRICKS if trick not in LEFT_OUT)
    unsupported: ClassVar = LEFT_OUT
    FIRST: ClassVar = Game("first", "first_discriminator", real=SMALL, name="first")
    SECOND: ClassVar = Game("second", "discriminator", name="second")

    def networks(self) -> dict[str, nn.Module]:
        o, shape, encoder = self.options, self.data.shape, self.encoder()
        side = square_side(shape)
        if side % (2 * o.scale) or side < LEAST * o.scale:
            raise ConfigError(
                f"images of {side} pixels: with scale = {o.scale} the side must be a multiple of {2 * o.scale}, "
                f"{LEAST * o.scale} at least: -o resolution=N, or -o scale=2."
            )
        length, small = encoder.length, (shape[0], side // o.scale, side // o.scale)
        first = FirstStage(o.latent_dim, o.width, small, length, o.augmented)
        second = SecondStage(o.width, shape, o.scale, length, o.augmented, o.blocks)
        lengths = (o.latent_dim, o.augmented)
        generator = StackedGenerator(first, second, lengths, shape, encoder, *self.texts())
        judges = {
            name: TextDiscriminator(o.width, sides, generator.told, length, o.reduced)
            for name, sides in ((self.SECOND.discriminator, shape), (self.FIRST.discriminator, small))
        }
        return self.with_encoders(generator, {"first": first, "second": second, **judges})

    def games(self) -> tuple[Game, ...]:
        return (self.FIRST, self.SECOND)

    def players(self) -> dict[str, tuple[str, ...]]:
        """One for each network: the two of a stage learn while the others stand still."""
        found: dict[str, tuple[str, ...]] = {
            name: (name,) for game in self.games() for name in (game.generator, game.discriminator)
        }
        return {**found, "embedding": ("text_encoder", "image_encoder")} if self.trains_encoder else found

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        found = super().batch(loader, start, n)
        return {**found, SMALL: avg_pool2d(found["images"], self.options.scale)}

    # Stages

    def stages(self) -> list[Stage]:
        return self.with_embedding(self.game_stages)

    def game_stages(self, steps: int) -> list[Stage]:
        """Both stages of the game."""
        first = round(steps * self.options.first_share)
        return [
            Stage("first", first, self.updates_of(self.FIRST)),
            Stage("second", steps - first, self.updates_of(self.SECOND), begin=self.begin_second),
        ]

    def begin_second(self, state: State) -> None:
        """The first stage becomes its average, which is what is saved, and stands still."""
        if "generator" in state.ema:
            average = self.stacked(state.ema["generator"])
            state.networks["first"].load_state_dict(average.first.state_dict())
            average.reached.fill_(2)
        self.stacked(state.networks["generator"]).reached.fill_(2)

    @staticmethod
    def stacked(network: nn.Module) -> StackedGenerator:
        """The generator, as what it is."""
        assert isinstance(network, StackedGenerator), "made by networks()"
        return network

    def updates_of(self, game: Game) -> tuple[Update, ...]:
        """A step of D, then one of G."""
        return (
            Update(game.discriminator, game.discriminator, self.judging(game)),
            Update(f"{game.name}_generator", game.generator, self.drawing(game)),
        )

    def judging(self, game: Game) -> Callable[[State, Batch], Losses]:
        """The loss of a stage's discriminator."""

        def loss(state: State, batch: Batch) -> Losses:
            with torch.no_grad():
                fake = self.generated(state, batch, game)
            return self.game_discriminator_loss(state, batch, game, fake.detach())

        return loss

    def drawing(self, game: Game) -> Callable[[State, Batch], Losses]:
        """The loss of a stage's generator: equations 4 and 6."""

        def loss(state: State, batch: Batch) -> Losses:
            fake, divergence = self.with_divergence(state, batch, game)
            losses = self.game_generator_loss(state, batch, game, fake)
            total = losses["total"] + self.options.divergence * divergence
            return {**losses, "divergence": divergence, "total": total}

        return loss

    def with_divergence(self, state: State, batch: Batch, game: Game) -> tuple[Tensor, Tensor]:
        """Images of a stage [N, ...], and the divergence of its augmentation, 0-d."""
        generator = self.stacked(state.networks["generator"])
        embeddings = generator.told.embed(batch["text"])
        latents = generator.latents(len(batch["text"]))
        return (generator.small if game == self.FIRST else generator.large)(latents, embeddings)

    def generated(self, state: State, batch: Batch, game: Game | None = None) -> Tensor:
        return self.with_divergence(state, batch, game or self.SECOND)[0]
