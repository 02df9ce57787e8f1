"""VAE/GAN, arXiv:1512.09300: an encoder, a decoder that is the generator, and a D whose features tell how alike an
image and its reconstruction are."""

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
    ConfigError,
    Dataset,
    Generator,
    Load,
    Losses,
    State,
    Update,
    option,
)
from ganzoo_zoo.networks import ConvGenerator
from ganzoo_zoo.vaegan.networks import FeatureDiscriminator, GaussianEncoder

ADAPTED = ("ada", "ada_images", "diffusion", "diffusion_images")
"""Tricks that follow the logits of the usual loss."""


@dataclass(frozen=True, kw_only=True)
class VAEGANOptions(AdamOptions):
    """Settings of VAE/GAN."""

    lr: float = option(5e-4, "Adam's step size", above=0)
    latent_dim: int = option(64, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        32, "feature maps at half the full resolution; doubled at each smaller one", at_least=1, at_most=8_192
    )
    gamma: float = option(
        1e-2, "weight of the reconstruction beside the adversarial loss, for the generator (algorithm 1)", at_least=0
    )
    layer: int | None = option(
        None, "D's convolution whose features are compared, counted from 1; none: the last hidden one", at_least=1
    )
    kl_weight: float = option(1.0, "weight of the divergence of latents from the normal distribution", at_least=0)
    conditional: bool = option(
        False, "generator and D see the class, which the latent then need not hold: CVAE-GAN, arXiv:1703.10155"
    )


class VAEGAN(GAN):
    """Three players (algorithm 1): each loss moves one network, whatever else it passes through."""

    Options = VAEGANOptions
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    tiny: ClassVar = {"width": 4, "latent_dim": 8}
    supports = tuple(trick for trick in (*NETWORK_TRICKS, *INPUT_TRICKS) if trick not in ADAPTED)

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.options.conditional and not self.data.classes:
            raise ConfigError(f"conditional = true: {self.data.name!r} has no labels.")

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        classes = len(self.data.classes) if o.conditional else 0
        return {
            "generator": ConvGenerator(o.latent_dim, o.width, shape, classes),
            "encoder": GaussianEncoder(o.latent_dim, o.width, shape),
            "discriminator": FeatureDiscriminator(o.width, shape, classes, o.layer),
        }

    def players(self) -> dict[str, tuple[str, ...]]:
        return {**super().players(), "encoder": ("encoder",)}

    def exports(self) -> dict[str, str]:
        return {"generator": "generator", "encoder": "encoder"}

    def updates(self) -> tuple[Update, ...]:
        return (*super().updates(), Update("encoder", "encoder", self.encoder_loss))

    # Losses

    def encoded(self, state: State, batch: Batch) -> tuple[Tensor, Tensor]:
        """Latents [N, latent_dim] drawn of the distributions that images are encoded as, and the mean over images of
        the divergence of these from the prior, which is the standard normal one."""
        mean, log_variance = self.network(state, "encoder", GaussianEncoder).distribution(batch["images"])
        latents = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1).mean()
        return latents, divergence

    def both(self, state: State, batch: Batch) -> tuple[Tensor, Batch]:
        """Reconstructions, and after them as many samples of the prior; and the conditions of all of them."""
        generator = self.network(state, "generator", Generator)
        with torch.no_grad():
            latents, _ = self.encoded(state, batch)
        latents = torch.cat([latents, generator.latents(len(latents))])
        twice = {"labels": batch["labels"].repeat(2)} if generator.classes else {}
        return generator(latents, twice.get("labels")), twice

    def judged(self, state: State, images: Tensor, batch: Batch) -> Tensor:
        """Logits [N]."""
        logits = self.discriminate(state, images, batch)
        assert isinstance(logits, Tensor), "a single head"
        return logits

    def reconstruction(self, state: State, batch: Batch, decoded: Tensor) -> Tensor:
        """The negative logarithm of the likelihood of D's features, but for a constant: normal around those of the
        reconstruction, with variance 1."""
        judge = self.network(state, "discriminator", FeatureDiscriminator)
        labels = batch["labels"] if judge.classes else None
        with torch.no_grad():
            wanted = judge.features(batch["images"], labels)
        return 0.5 * (judge.features(decoded, labels) - wanted).square().sum(1).mean()

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Real images against reconstructions and against samples of the prior (algorithm 1), the mean of both."""
        with torch.no_grad():
            images, conditions = self.both(state, batch)
        real = self.judged(state, batch["images"], batch)
        decoded, drawn = self.judged(state, images, conditions).chunk(2)
        shown = {
            **self.loss.log_values(real.detach(), drawn.detach()), "D(G(E(x)))": self.loss.score(decoded.detach())
        }  # fmt: skip
        return {**shown, "total": 0.5 * (self.loss.discriminator(real, decoded) + self.loss.discriminator(real, drawn))}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """gamma times the reconstruction, and both kinds are to be taken for real; the encoder stays as it is."""
        images, conditions = self.both(state, batch)
        real = self.judged(state, batch["images"], batch) if self.loss.needs_real else None
        decoded, drawn = self.judged(state, images, conditions).chunk(2)
        adversarial = 0.5 * (self.loss.generator(decoded, real) + self.loss.generator(drawn, real))
        found = {"adversarial": adversarial, "reconstruction": self.reconstruction(state, batch, images.chunk(2)[0])}
        return {**found, "total": adversarial + self.options.gamma * found["reconstruction"]}

    def encoder_loss(self, state: State, batch: Batch) -> Losses:
        """The variational bound with D's features for pixels: divergence and reconstruction; D's verdict is left out
        (algorithm 1)."""
        generator = self.network(state, "generator", Generator)
        latents, divergence = self.encoded(state, batch)
        decoded = generator(latents, batch["labels"] if generator.classes else None)
        found = {"divergence": divergence, "reconstruction": self.reconstruction(state, batch, decoded)}
        return {**found, "total": self.options.kl_weight * divergence + found["reconstruction"]}
