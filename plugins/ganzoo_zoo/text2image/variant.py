"""GAN-INT-CLS, arXiv:1605.05396: D learns which text fits, G also draws what stands between two texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.plugin import Batch, Losses, Stage, State, option
from ganzoo_zoo.text2image.matching import TextGAN, TextOptions
from ganzoo_zoo.text2image.networks import ConvTextGenerator, TextDiscriminator
from ganzoo_zoo.texts import Texts

BETWEEN = 0.5
"""beta of equation 5: the paper found this value to work well."""


@dataclass(frozen=True, kw_only=True)
class TextToImageOptions(TextOptions):
    """Settings of text2image. Defaults: arXiv:1605.05396, section 5, where nothing else is said."""

    latent_dim: int = option(32, "length of a latent vector; the paper: 100", at_least=1, at_most=65_536)
    interpolated: float = option(
        0.5, "embeddings between two texts that G also learns from, for each text of a batch (GAN-INT); 0: none",
        at_least=0, at_most=1,
    )  # fmt: skip


class TextToImage(TextGAN):
    """First the encoder of texts learns, then G and D play."""

    Options = TextToImageOptions
    Sampling = Texts
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    tiny: ClassVar = {
        "resolution": 16, "width": 4, "latent_dim": 8, "reduced": 4, "embedding": 8, "text_width": 4,
    }  # fmt: skip

    def networks(self) -> dict[str, nn.Module]:
        o, shape, encoder = self.options, self.data.shape, self.encoder()
        length = encoder.length
        generator = ConvTextGenerator(o.latent_dim, o.width, shape, encoder, length, o.reduced, *self.texts())
        judge = TextDiscriminator(o.width, shape, generator.told, length, o.reduced)
        return self.with_encoders(generator, {"discriminator": judge})

    def stages(self) -> list[Stage]:
        return self.with_embedding(lambda steps: [Stage("adversarial", steps, self.updates())])

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """The mean over the texts of the batch, and over embeddings between two of them: equation 5."""
        losses = super().generator_loss(state, batch, generated)
        count = len(batch["text"])
        between = round(self.options.interpolated * count)
        if not between:
            return losses
        generator = self.network_in(state.networks["generator"])
        text = batch["text"]
        other = text[torch.randperm(count, device=text.device)][:between]
        middle = torch.full((between,), BETWEEN, device=text.device)
        part = {name: values[:between] for name, values in batch.items()}
        part["text"] = generator.told.interpolate(text[:between], other, middle)
        fake = generator(generator.latents(between), part["text"])
        added = self.game_generator_loss(state, part, self.games()[0], fake)["total"]
        total = (count * losses["total"] + between * added) / (count + between)
        return {**losses, "between": added, "total": total}
