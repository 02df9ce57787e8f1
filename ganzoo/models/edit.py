"""Edit attributes of images: an image becomes a latent and attributes, and is drawn again with other ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganzoo.models.conditions import AttributeCondition
from ganzoo.models.interfaces import AttributeEncoder, Encoder, Generator, device_of


@dataclass(frozen=True)
class Editor:
    """The three networks that an edit takes: arXiv:1611.06355, figure 1.

    Attributes:
        generator: latents and attributes to images.
        encoder: images to latents.
        reader: images to attributes.
    """

    generator: Generator
    encoder: Encoder
    reader: AttributeEncoder

    @property
    def condition(self) -> AttributeCondition:
        """What the generator is told."""
        found = self.generator.condition
        assert isinstance(found, AttributeCondition), "editor_of() looks"
        return found

    @torch.no_grad()
    def edit(self, images: Tensor, wanted: Mapping[int, float]) -> Tensor:
        """Images [N, C, H, W] in [-1, 1], drawn again: the attributes in ``wanted`` get its values, by column, the
        others stay as they are read."""
        given, images = images.device, images.to(device_of(self.generator))
        attributes = (self.reader(images) > 0.5).float()
        for column, value in wanted.items():
            attributes[:, column] = value
        return self.generator(self.encoder(images), attributes).clamp(-1, 1).to(given)


def editor_of(networks: Mapping[str, nn.Module]) -> Editor | None:
    """The editor that trained networks make together; None if one of the three is not there."""
    generator = next((each for each in networks.values() if isinstance(each, Generator)
                      and isinstance(each.condition, AttributeCondition)), None)  # fmt: skip
    reader = next((each for each in networks.values() if isinstance(each, AttributeEncoder)), None)
    encoder = next((each for each in networks.values() if isinstance(each, Encoder)
                    and not isinstance(each, AttributeEncoder)), None)  # fmt: skip
    if generator is None or encoder is None or reader is None:
        return None
    return Editor(generator, encoder, reader)
