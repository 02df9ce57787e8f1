"""3D-GAN, arXiv:1610.07584: DCGAN's game on voxels, with a discriminator that is held back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    ConfigError,
    Dataset,
    Game,
    Hinge,
    LeastSquares,
    Load,
    Logits,
    Losses,
    NonSaturating,
    State,
    Update,
    fused,
    option,
)
from ganzoo_zoo.networks import ConvDiscriminator
from ganzoo_zoo.threedgan.networks import VoxelFeatures, VoxelGenerator

ACCURACY = "accuracy"
"""In a state's memory: how much of the last batch D told right, 0 to 1."""
UNDECIDED = {NonSaturating: 0.0, Hinge: 0.0, LeastSquares: 0.5}
"""The logit above which D takes a sample for real, by the loss that it learns."""


@dataclass(frozen=True, kw_only=True)
class ThreeDGANOptions(AdamOptions):
    """Settings of 3D-GAN. Length of latents, gate: arXiv:1610.07584, section 3.1."""

    lr: float = option(5e-4, "Adam's step size of the discriminator; the paper: 0.00001", above=0)
    lr_generator: float = option(1e-3, "Adam's step size of the generator; the paper: 0.0025", above=0)
    latent_dim: int = option(200, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        32, "feature maps at half the full resolution, doubled at each smaller one; the paper: 64", at_least=1,
        at_most=8_192,
    )  # fmt: skip
    gate: float = option(
        0.8, "the discriminator stands still where it told more than this share of the last batch right; 1: never",
        above=0, at_most=1,
    )  # fmt: skip
    conditional: bool = option(False, "tell both networks the class of a shape")


class ThreeDGAN(GAN):
    """A small step size and a gate hold D back, which in three dimensions learns faster than G."""

    Options = ThreeDGANOptions
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 10_000}
    presets: ClassVar = {"paper": {"lr": 1e-5, "lr_generator": 2.5e-3, "width": 64, "batch_size": 100}}
    tiny: ClassVar = {"width": 4, "latent_dim": 8, "resolution": 16}
    supports = LOSS_TRICKS
    _told: Tensor | None = None

    def prepare(self, dataset: Dataset, load: Load) -> None:
        o = self.options
        if o.conditional and not self.data.classes:
            raise ConfigError(f"conditional = true: data set {self.data.name!r} has no classes; leave it out.")
        if o.gate < 1 and self.undecided() is None:
            raise ConfigError(
                f"gate = {o.gate:g} needs logits that call a sample real or not; those of loss "
                f"{self.config.loss!r} do not: -o gate=1."
            )

    @property
    def classes(self) -> int:
        """Classes that both networks are told; 0: none."""
        return len(self.data.classes) if self.options.conditional else 0

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        judge = ConvDiscriminator(o.width, shape, self.classes)
        found: dict[str, nn.Module] = {
            "generator": VoxelGenerator(o.latent_dim, o.width, shape, self.classes),
            "discriminator": judge,
        }
        return found if self.classes else {**found, "features": VoxelFeatures(judge, shape)}

    def exports(self) -> dict[str, str]:
        """A conditional D cannot look at a shape whose class is not known, so that it gives no features."""
        return {"generator": "generator", **({} if self.classes else {"encoder": "features"})}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """As every variant's; the generator has a step size of its own.

        Raises:
            ConfigError: a gate on a device whose optimizers do not know one.
        """
        found = super().optimizer(player, parameters)
        if player == "discriminator" and self.options.gate < 1 and not fused(parameters):
            raise ConfigError(f"gate = {self.options.gate:g} works on the CPU and on CUDA alone: -o gate=1.")
        if player == "generator":
            for group in found.param_groups:
                group["lr"] = self.options.lr_generator
        return found

    # The gate

    def memory(self) -> dict[str, Tensor]:
        return {ACCURACY: torch.zeros(())}

    def updates(self) -> tuple[Update, ...]:
        found = super().updates()
        return tuple(
            Update(u.name, u.player, u.loss, u.every, self.remember if u.name == "discriminator" else u.after)
            for u in found
        )

    def undecided(self) -> float | None:
        """The logit above which D takes a sample for real; None where the loss gives logits another meaning."""
        return next((logit for kind, logit in UNDECIDED.items() if isinstance(self.loss, kind)), None)

    def discriminate_both(
        self, state: State, real: Tensor, fake: Tensor, batch: Batch, game: Game | None = None
    ) -> tuple[Logits, Logits]:
        """As every GAN's; what share of the samples D tells right is kept for the loss that is computed."""
        logits = super().discriminate_both(state, real, fake, batch, game)
        assert isinstance(logits[0], Tensor), "one head"
        assert isinstance(logits[1], Tensor), "one head"
        undecided = self.undecided() or 0.0
        right = torch.cat([logits[0].detach() > undecided, logits[1].detach() <= undecided])
        self._told = right.float().mean()
        return logits

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """As every GAN's. Its step is left out where D told too much of the last batch right: section 3.1.

        The gate is closed on the device, by the tensor in which optimizers are told of an overflow, so that neither the
        host waits nor D's moments move, and a captured iteration decides anew each time.
        """
        found = super().discriminator_loss(state, batch, generated)
        closed = (state.memory[ACCURACY] > self.options.gate).float()
        optimizer = state.optimizers.get("discriminator")
        if optimizer is not None:
            optimizer.found_inf = closed  # type: ignore[attr-defined]  # read by torch's fused Adam
        assert self._told is not None, "discriminate_both() was called"
        return {**found, "accuracy": self._told, "open": 1 - closed}

    def remember(self, state: State, losses: Losses) -> None:
        """How much of this batch was told right, for the next one; the same in all processes."""
        told = losses["accuracy"].clone()
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(told)
            told /= distributed.get_world_size()
        state.memory[ACCURACY].copy_(told)
