"""Scorers of anomalies: what a generator cannot draw is odd, by its pixels and by the features of D.

Features are what D's last layer sees: an intermediate layer f, as both papers have it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from ganzoo.plugin import Encoder, Generator, Options, Scored, Scorer, option
from ganzoo_zoo.networks import ConvDiscriminator, without_last


class EncodedScorer(Scorer):
    """f-AnoGAN's: an encoder gives the latent.

    Args:
        kappa: weight of the residual of features.
    """

    def __init__(self, generator: Generator, encoder: Encoder, discriminator: ConvDiscriminator, kappa: float) -> None:
        super().__init__()
        self.generator, self.encoder, self.kappa = generator, encoder, kappa
        self.features = without_last(discriminator.body)[0]  # the same layers

    def compare(self, images: Tensor, scoring: Any) -> Scored:
        restored = self.generator(self.encoder(images)).float()
        return Scored(self.residual(images, restored).float(), restored)

    def residual(self, images: Tensor, restored: Tensor) -> Tensor:
        """A(x), [N]: mean square of x - G(E(x)), and kappa times that of f(x) - f(G(E(x)))."""
        of_pixels = (images - restored).square().flatten(1).mean(1)
        return of_pixels + self.kappa * (self.features(images) - self.features(restored)).square().mean(1)


@dataclass(frozen=True, kw_only=True)
class Search(Options):
    """Settings of the search for a latent."""

    steps: int | None = option(
        None,
        "steps of gradient descent for each image; none: search_steps of the training",
        at_least=0,
        at_most=100_000,
    )
    seed: int = option(0, "seed of the latent that the search starts from, for all images the same", at_least=0)


class SearchScorer(Scorer):
    """AnoGAN's: the latent is searched for each image by gradient descent (section 2.2).

    The sum of the losses of a batch is minimised. Networks are in eval mode, where no image influences another one,
    and Adam moves each number by its own gradients, so each image is searched for by itself.

    Args:
        weight: lambda, the share of the loss of features.
        steps, lr: of the search.
    """

    Scoring = Search
    searches = True

    def __init__(
        self, generator: Generator, discriminator: ConvDiscriminator, weight: float, steps: int, lr: float
    ) -> None:
        super().__init__()
        self.generator, self.weight, self.steps, self.lr = generator, weight, steps, lr
        self.features = without_last(discriminator.body)[0]  # the same layers

    def compare(self, images: Tensor, scoring: Any) -> Scored:
        modes = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            return self.search(images, scoring)
        finally:
            for module, training in modes:
                module.training = training

    def search(self, images: Tensor, scoring: Any) -> Scored:
        """The latent after so many steps, its loss and its image."""
        start = self.generator.latents(1, torch.Generator().manual_seed(scoring.seed))
        with torch.no_grad():
            wanted = self.features(images)
        with torch.enable_grad():
            latents = start.repeat(len(images), 1).requires_grad_()
            optimizer = Adam([latents], lr=self.lr)
            for _ in range(self.steps if scoring.steps is None else scoring.steps):
                loss = self.loss(images, wanted, self.generator(latents))
                (latents.grad,) = torch.autograd.grad(loss.sum(), latents)
                optimizer.step()
        with torch.no_grad():
            restored = self.generator(latents).float()
            return Scored(self.loss(images, wanted, restored).float(), restored)

    def loss(self, images: Tensor, wanted: Tensor, drawn: Tensor) -> Tensor:
        """A(x), [N]: (1 - lambda) of the sum of |x - G(z)| and lambda of that of |f(x) - f(G(z))|: eq. 1 to 5."""
        of_pixels = (images - drawn).abs().flatten(1).sum(1)
        return (1 - self.weight) * of_pixels + self.weight * (wanted - self.features(drawn)).abs().sum(1)
