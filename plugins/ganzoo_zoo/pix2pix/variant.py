"""pix2pix, arXiv:1611.07004: a U-Net held to its target by an L1 loss, and a discriminator that sees patches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    BatchLoader,
    Dataset,
    Game,
    Load,
    Losses,
    State,
    Update,
    option,
    reject_unused,
)
from ganzoo_zoo.translators import PatchDiscriminator, UNet, varied


@dataclass(frozen=True, kw_only=True)
class Pix2PixOptions(AdamOptions):
    """Settings of pix2pix. Defaults: arXiv:1611.07004, sections 3 and 6, but for what suits two cores and larger
    batches: step size, width, patch, noise and statistics."""

    lr: float = option(4e-4, "Adam's step size; the paper: 0.0002, for batches of 1 to 10", above=0)

    game: Literal["conditional", "unconditional", "none"] = option(
        "conditional", "D sees the input beside the output, or the output alone; none: the L1 loss alone (table 1)"
    )
    l1: float = option(100.0, "weight of the L1 distance to the target; 0: the game alone (table 1)", at_least=0)
    width: int = option(32, "feature maps of the first layers of G and D; the paper: 64", at_least=1, at_most=8_192)
    patch: Literal[0, 1, 16, 34, 70, 142, 286] = option(
        0, "side of what a logit of D sees, in pixels (section 4.4); 0: 70 from 128 pixels on, else 16"
    )
    norm: Literal["batch", "instance", "none"] = option("batch", "normalisation in G and D")
    statistics: Literal["image", "running"] = option(
        "running", "what batch normalisation in G uses after training: averages over the training, or as in the paper "
        "the image's own statistics, which suit batches of one"
    )  # fmt: skip
    noise: bool = option(False, "dropout in G, which as in the paper stays on after training")
    mirror: bool = option(True, "half of the pairs are mirrored")
    jitter: float = option(
        0.117, "pairs are made larger by this share and cut back at random; the paper: 286/256 - 1", at_least=0, below=1
    )


class Pix2Pix(GAN):
    """``ganzoo info pix2pix`` tells how to use it."""

    Options = Pix2PixOptions
    defaults = {
        "loss": "non-saturating", "batch_size": 16, "steps": 7_500, "lr_schedule": "linear",
        "metrics": "l1-pairs, psnr-pairs, ssim-pairs",
    }  # fmt: skip
    presets: ClassVar = {
        "paper": {
            "batch_size": 1, "steps": 200_000, "lr": 2e-4, "width": 64, "patch": 70, "noise": True,
            "statistics": "image",
        },
    }  # fmt: skip
    tiny: ClassVar = {"width": 4}
    least_batch = 1
    supports = LOSS_TRICKS
    unsupported: ClassVar = {"diffaugment": "D sees pairs, and their two sides would be augmented apart"}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.options.norm != "batch":
            reject_unused(self.options, ("statistics",), f"norm = {self.options.norm!r} uses those of the image anyway")
        if self.options.game == "none":
            reject_unused(self.options, ("patch",), "game = 'none' has no discriminator")

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        o = self.options
        return varied(loader.draw(start, n), [("images", "target")], o.mirror, o.jitter, start)

    def networks(self) -> dict[str, nn.Module]:
        o, (inputs, *sides), outputs = self.options, self.data.shape, self.data.extra["target_shape"][0]
        found: dict[str, nn.Module] = {
            "generator": UNet((inputs, outputs), min(sides), o.width, o.norm, o.statistics, o.noise)
        }
        if o.game != "none":
            shown = inputs if o.game == "conditional" else 0
            condition = "images" if shown else ""
            found["discriminator"] = PatchDiscriminator(
                outputs + shown, min(sides), o.width, o.patch, o.norm, condition
            )
        return found

    def games(self) -> tuple[Game, ...]:
        return () if self.options.game == "none" else (Game(real="target"),)

    def players(self) -> dict[str, tuple[str, ...]]:
        return super().players() if self.games() else {"generator": ("generator",)}

    def updates(self) -> tuple[Update, ...]:
        return super().updates() if self.games() else (Update("generator", "generator", self.generator_loss),)

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """D's loss, on the images that G's update differentiates."""
        shown = (generated or {}).get("generator")
        if shown is None:
            shown = self.keep(batch, "generator", self.made(state, batch))
        return super().discriminator_loss(state, batch, {"generator": shown})

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """The adversarial loss, and the L1 distance to the target (equation 4)."""
        fake = self.kept(batch, "generator")
        fake = self.made(state, batch) if fake is None else fake
        losses: Losses = {"total": fake.new_zeros(())}
        if self.games():
            losses = super().generator_loss(state, batch, {"generator": fake})
        near = l1_loss(fake, batch["target"])
        return {**losses, "l1": near, "total": losses["total"] + self.options.l1 * near}

    def made(self, state: State, batch: Batch) -> Tensor:
        """What the generator makes of the inputs, float32 [N, C, H, W]."""
        return self.generated(state, batch, Game(real="target")).float()
