"""pix2pix, arXiv:1611.07004: a translator held to its target, and a discriminator that gives a logit for each patch."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.plugin import GAN, LOSS_TRICKS, Batch, Game, Losses, State
from ganzoo_toys.translators import Painter, Patches

NEAR = 100.0


class Pix2Pix(GAN):
    """The discriminator sees the input beside its target, or beside what was made of it."""

    defaults = {"loss": "non-saturating", "batch_size": 4, "steps": 100, "metrics": "psnr-pairs"}
    supports = LOSS_TRICKS

    def networks(self) -> dict[str, nn.Module]:
        inputs, outputs = self.data.shape[0], self.data.extra["target_shape"][0]
        return {
            "generator": Painter(inputs, outputs, "images", "target"),
            "discriminator": Patches(inputs + outputs, condition="images"),
        }

    def games(self) -> tuple[Game, ...]:
        return (Game(real="target"),)

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        fake = self.generated(state, batch)
        losses = super().generator_loss(state, batch, {"generator": fake})
        near = l1_loss(fake, batch["target"])
        return {**losses, "l1": near, "total": losses["total"] + NEAR * near}
