"""InfoGAN, arXiv:1606.03657: the generator is told codes, and what it draws must let them be read again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    CodeCondition,
    Losses,
    State,
    last_features,
    option,
)
from ganzoo_zoo.infogan.networks import CodedGenerator, CodeReader, Codes
from ganzoo_zoo.networks import ConvDiscriminator, without_last

SHARED = ("minibatch_kernels", "minibatch_std")
"""Tricks that change what the last layer sees."""


@dataclass(frozen=True, kw_only=True)
class InfoGANOptions(AdamOptions):
    """Settings of InfoGAN. Defaults: arXiv:1606.03657, section 7 and appendix C.1."""

    lr_generator: float = option(1e-3, "Adam's step size of the generator; lr is that of D and the reader", above=0)
    latent_dim: int = option(62, "length of a latent vector, without the codes", at_least=1, at_most=65_536)
    choices: int = option(10, "choices of the categorical code; 0: none", at_least=0, at_most=1_000)
    numbers: int = option(2, "continuous codes", at_least=0, at_most=2)
    categorical_weight: float = option(1.0, "lambda of the categorical code (equation 5)", at_least=0)
    continuous_weight: float = option(0.1, "lambda of the continuous codes", at_least=0)
    width: int = option(
        32, "feature maps at half the full resolution; doubled at each smaller one", at_least=1, at_most=8_192
    )
    hidden: int = option(128, "units of the reader's own layer", at_least=1, at_most=8_192)


class InfoGAN(GAN):
    """Reading the codes trains D and the reader; being readable trains G."""

    Options = InfoGANOptions
    Sampling = Codes
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    tiny: ClassVar = {"width": 4, "hidden": 8, "latent_dim": 8}
    supports = tuple(trick for trick in LOSS_TRICKS if trick not in SHARED)
    unsupported: ClassVar = dict.fromkeys(SHARED, "the reader of codes shares the features of D's last layer")

    def categorical(self) -> tuple[int, ...]:
        """Choices of each categorical code."""
        return (self.options.choices,) if self.options.choices else ()

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        judge = ConvDiscriminator(o.width, shape)
        reader = CodeReader(*without_last(judge.body), self.categorical(), o.numbers, o.hidden)
        return {
            "generator": CodedGenerator(o.latent_dim, o.width, shape, self.categorical(), o.numbers),
            "discriminator": judge,
            "encoder": reader,
        }

    def players(self) -> dict[str, tuple[str, ...]]:
        return {"discriminator": ("discriminator", "encoder"), "generator": ("generator",)}

    def exports(self) -> dict[str, str]:
        return {"generator": "generator", "encoder": "encoder"}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """As every variant's; the generator has a step size of its own."""
        found = super().optimizer(player, parameters)
        if player == "generator":
            for group in found.param_groups:
                group["lr"] = self.options.lr_generator
        return found

    def drawn(self, state: State, n: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Codes [n, length], and what G draws of them."""
        generator = self.network(state, "generator", CodedGenerator)
        codes = generator.condition.draw(n)
        assert codes is not None, "codes are drawn"
        codes = codes.to(device)
        return codes, generator(generator.latents(n), codes)

    def information(self, state: State, features: Tensor, codes: Tensor) -> Losses:
        """What is missing to the mutual information of codes and samples (equation 5), up to a constant.

        Args:
            features: what D's last layer saw of the samples.
        """
        o, reader = self.options, self.network(state, "encoder", CodeReader)
        condition = self.network(state, "generator", CodedGenerator).condition
        assert isinstance(condition, CodeCondition), "made by the generator"
        logits, means = reader.read(features)
        chosen, numbers = condition.decode(codes)
        found: Losses = {}
        if logits:
            found["code_categorical"] = cross_entropy(logits[0], chosen[0])
        if o.numbers:
            found["code_continuous"] = 0.5 * (means - numbers).square().sum(1).mean()  # a Gaussian of variance 1
        zero = features.new_zeros((), dtype=torch.float32)
        total = o.categorical_weight * found.get("code_categorical", zero)
        return {**found, "total": total + o.continuous_weight * found.get("code_continuous", zero)}

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """D's loss, and how badly the codes of new samples are read."""
        real = batch["images"]
        with torch.no_grad():
            codes, fake = self.drawn(state, len(real), real.device)
        with last_features(state.networks["discriminator"]) as seen:
            losses = super().discriminator_loss(state, batch, {"generator": fake})
            # Generated samples come last, whether the two kinds were judged in one pass or in two.
            both = torch.cat(seen[:2]) if len(seen) > 1 else seen[0]
        told = self.information(state, both[len(real) : 2 * len(real)], codes)
        return {**losses, **told, "total": losses["total"] + told["total"]}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """G's loss, and how badly its codes are read."""
        real = batch["images"]
        codes, fake = self.drawn(state, len(real), real.device)
        with last_features(state.networks["discriminator"]) as seen:
            losses = super().generator_loss(state, batch, {"generator": fake})
        told = self.information(state, seen[0], codes)
        return {**losses, **told, "total": losses["total"] + told["total"]}
