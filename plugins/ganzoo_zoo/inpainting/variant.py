"""Filling holes: a context encoder (arXiv:1604.07379) or a U-Net, and a discriminator of patches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    BatchLoader,
    Game,
    Losses,
    State,
    derived_seed,
    device_of,
    option,
)
from ganzoo_zoo.inpainting.masks import masks
from ganzoo_zoo.inpainting.networks import painter
from ganzoo_zoo.translators import PatchDiscriminator

SEED_OF_PICTURES = 7


@dataclass(frozen=True, kw_only=True)
class InpaintingOptions(AdamOptions):
    """Settings of inpainting."""

    lr: float = option(4e-4, "Adam's step size", above=0)
    holes: Literal["centre", "random", "free", "mixed"] = option(
        "mixed", "a square in the middle, rectangles anywhere, thick strokes, or each in turn"
    )
    body: Literal["unet", "context"] = option("unet", "a U-Net, or the context encoder of the paper")
    distance: Literal["l1", "l2"] = option("l1", "distance to the image inside the hole; the paper: l2")
    near: float = option(100.0, "weight of this distance beside the game of 1; the paper: 999", at_least=0)
    width: int = option(32, "feature maps of the first layers; the paper: 64", at_least=1, at_most=8_192)
    patch: Literal[0, 1, 16, 34, 70, 142, 286] = option(
        0, "side of what a logit of D sees, in pixels; 0: 70 from 128 pixels on, else 16"
    )  # fmt: skip


class Inpainting(GAN):
    """What is not in a hole stays as it is; only what is painted is learned."""

    Options = InpaintingOptions
    defaults = {
        "loss": "non-saturating", "batch_size": 16, "steps": 7_500, "lr_schedule": "linear", "metrics": "psnr-hole",
    }  # fmt: skip
    presets: ClassVar = {
        "paper": {
            "lr": 2e-4, "body": "context", "holes": "centre", "distance": "l2", "near": 999.0, "width": 64,
            "patch": 286,
        },
    }  # fmt: skip
    tiny: ClassVar = {"width": 4}
    supports = LOSS_TRICKS

    def holes(self, count: int, position: int) -> Tensor:
        """Masks [count, 1, H, W] for the samples from a position on."""
        rng = torch.Generator().manual_seed(derived_seed("holes", self.config.seed, position))
        kinds = ("centre", "random", "free") if self.options.holes == "mixed" else (self.options.holes,)
        _, height, width = self.data.shape
        parts = [masks(kinds[i % len(kinds)], 1, height, width, rng) for i in range(count)]
        return torch.cat(parts)

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """``"images"``, and ``"given"``: the same with a mask as one more channel, 1 in a hole, else -1."""
        batch = loader.draw(start, n)
        images = batch["images"]
        hole = self.holes(len(images), start).to(images.device)
        return {**batch, "given": torch.cat([images, 2 * hole - 1], 1)}

    def networks(self) -> dict[str, nn.Module]:
        o, (channels, height, width) = self.options, self.data.shape
        side = min(height, width)
        return {
            "generator": painter(o.body, channels, side, o.width),
            "discriminator": PatchDiscriminator(channels, side, o.width, o.patch),
        }

    def generated(self, state: State, batch: Batch, game: Game | None = None) -> Tensor:
        """The images with their holes filled."""
        found: Tensor = state.networks["generator"](batch["given"])
        return found.float()

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """D's loss, on the images that G's update differentiates."""
        shown = (generated or {}).get("generator")
        if shown is None:
            shown = self.keep(batch, "generator", self.generated(state, batch))
        return super().discriminator_loss(state, batch, {"generator": shown})

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """The adversarial loss, and the distance to the image, averaged over the pixels of the holes (equation 1)."""
        fake = self.kept(batch, "generator")
        fake = self.generated(state, batch) if fake is None else fake
        losses = super().generator_loss(state, batch, {"generator": fake})
        difference = fake - batch["images"]
        hole = (batch["given"][:, -1:] > 0).float()
        distance = difference.abs() if self.options.distance == "l1" else difference.square()
        near = distance.sum() / (hole.sum() * fake.shape[1]).clamp(min=1)
        return {**losses, self.options.distance: near, "total": losses["total"] + self.options.near * near}

    def preview(self, network: nn.Module) -> tuple[Tensor, int]:
        """Rows of: the image with its hole, the hole filled, the image."""
        images = self.examples["images"]
        hole = self.holes(len(images), -SEED_OF_PICTURES)
        with torch.no_grad():
            filled = network(torch.cat([images, 2 * hole - 1], 1).to(device_of(network))).float().cpu()
        columns = torch.stack([images * (1 - hole), filled, images], 1)
        return columns.flatten(0, 1).clamp(-1, 1), 3
