"""StyleGAN2, arXiv:1912.04958, in small: a mapping network, truncation, and penalties that are taken now and then."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.plugin import GAN, LOSS_TRICKS, AdamOptions, Batch, Losses, Options, State, Update, mlp, option, r1
from ganzoo_toys.networks import LATENT, Critic, Drawer

PACE, GAMMA = 0.01, 1.0


@dataclass(frozen=True, kw_only=True)
class Truncation(Options):
    """How far samples keep to the middle."""

    psi: float = option(1.0, "1: as trained; 0: the mean sample", at_least=0, at_most=1)


@dataclass(frozen=True, kw_only=True)
class StyleOptions(AdamOptions):
    """Settings of the toy."""

    lazy: int = option(4, "iterations between two takings of the penalties", at_least=1)


class Mapped(Drawer):
    """A mapping network before the synthesis; the mean style is remembered for truncation (section 2 of StyleGAN)."""

    Sampling = Truncation
    mean: Tensor

    def __init__(self, shape: tuple[int, ...], width: int = 16) -> None:
        super().__init__(shape, length=width - LATENT)
        self.mapping = nn.Sequential(mlp([LATENT, width], norm=False), nn.Linear(width, width))
        self.register_buffer("mean", torch.zeros(width))

    def synthesise(self, styles: Tensor) -> Tensor:
        return super().forward(styles)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        styles = self.mapping(latents)
        if self.training:
            self.mean.lerp_(styles.detach().mean(0), PACE)
        return self.synthesise(styles)

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Any) -> Tensor:
        return self.synthesise(self.mean.lerp(self.mapping(latents), sampling.psi))


class StyleGAN(GAN):
    """R1 and path length, each in every so-many-th iteration."""

    Options = StyleOptions
    Sampling = Truncation
    defaults = {"loss": "non-saturating", "batch_size": 4, "steps": 100}
    tiny: ClassVar = {"lazy": 2}
    supports = LOSS_TRICKS

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": Mapped(self.data.shape), "discriminator": Critic(self.data.shape)}

    def memory(self) -> dict[str, Tensor]:
        return {"path": torch.zeros(())}

    def updates(self) -> tuple[Update, ...]:
        lazy = self.options.lazy
        return (
            *super().updates(),
            Update("r1", "discriminator", self.r1_loss, every=lazy),
            Update("path", "generator", self.path_loss, every=lazy, after=self.remember),
        )

    def r1_loss(self, state: State, batch: Batch) -> Losses:
        real = batch["images"].detach().requires_grad_()
        return {"total": self.options.lazy * r1(self.discriminate(state, real, batch), real, GAMMA)}

    def path_loss(self, state: State, batch: Batch) -> Losses:
        """Equation 4: how far a small step of the style moves the image should be the same everywhere."""
        generator = self.network(state, "generator", Mapped)
        styles = generator.mapping(generator.latents(len(batch["images"])))
        images = generator.synthesise(styles)
        noise = torch.randn_like(images) / images[0, 0].numel() ** 0.5
        (slopes,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        lengths = slopes.square().sum(1).sqrt()
        return {"total": (lengths - state.memory["path"]).square().mean(), "path": lengths.mean()}

    def remember(self, state: State, losses: Losses) -> None:
        state.memory["path"].lerp_(losses["path"], PACE)
