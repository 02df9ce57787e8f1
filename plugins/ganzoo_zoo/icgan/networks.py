"""Networks of IcGAN: DCGAN's, told attributes; and encoders like its D."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.plugin import (
    AttributeCondition,
    AttributeEncoder,
    Discriminator,
    Generator,
    Options,
    UsageError,
    append_one_hot,
    downsampling,
    init_normal,
    option,
    square_side,
    upsampling,
)
from ganzoo_zoo.networks import ConvEncoder, encoding


@dataclass(frozen=True, kw_only=True)
class Attributes(Options):
    """Settings of sampling."""

    attributes: str = option("", "such as 'glasses=yes, hat=no'; those that are not named are as in the training data")


class AttributeGenerator(Generator):
    """Latents [N, latent_dim] and attributes [N, attributes] to images [N, *shape] in [-1, 1]."""

    Sampling = Attributes

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], names: Sequence[str]) -> None:
        super().__init__(latent_dim, AttributeCondition(names))
        self.body = upsampling(latent_dim + len(names), tuple(shape), width)
        init_normal(self)

    @property
    def told(self) -> AttributeCondition:
        """Its condition."""
        assert isinstance(self.condition, AttributeCondition), "made by __init__"
        return self.condition

    def remember(self, attributes: Tensor) -> None:
        """Keep rows of the training data, to sample from."""
        self.told.remember(attributes)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(with_attributes(latents, condition)[:, :, None, None])

    def condition_from(self, sampling: Attributes, n: int, rng: torch.Generator) -> Tensor | None:
        """Rows of the training data, with the attributes that are asked for.

        Raises:
            UsageError: what is asked for cannot be read.
        """
        if not sampling.attributes.strip():
            return None
        pairs = [part.partition("=") for part in sampling.attributes.split(",")]
        if wrong := [name for name, sign, _ in pairs if not sign]:
            raise UsageError(f"attributes = {sampling.attributes!r}: {wrong[0].strip()!r} must be NAME=yes or NAME=no.")
        rows = self.told.default(n, rng).clone()
        for column, value in self.told.columns({name.strip(): word.strip() for name, _, word in pairs}).items():
            rows[:, column] = value
        return rows


class AttributeDiscriminator(Discriminator):
    """Images [N, *shape] to logits [N]; attributes enter as constant maps beside the image: section 3.1."""

    def __init__(self, width: int, shape: Sequence[int], count: int) -> None:
        super().__init__(condition="attributes")
        self.body = downsampling(shape[0] + count, square_side(tuple(shape)), width)
        init_normal(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(with_attributes(samples, condition)).flatten()


class LatentEncoder(ConvEncoder):
    """Images [N, *shape] to latents [N, latent_dim], as long as those that are drawn.

    What a squared error leaves uncertain it makes short, and short latents give washed-out pictures.
    """

    def forward(self, samples: Tensor) -> Tensor:
        latents = super().forward(samples)
        return latents * (self.latent_dim**0.5 / latents.norm(dim=1, keepdim=True).clamp_min(1e-6))


class ConvAttributeEncoder(AttributeEncoder):
    """Images [N, *shape] to attributes [N, attributes] in [0, 1]."""

    def __init__(self, names: Sequence[str], width: int, shape: Sequence[int]) -> None:
        super().__init__(names)
        self.body = encoding(len(names), width, shape)
        init_normal(self)

    def logits(self, samples: Tensor) -> Tensor:
        """What becomes attributes by a sigmoid."""
        return self.body(samples)

    def forward(self, samples: Tensor) -> Tensor:
        return self.logits(samples).sigmoid()


def with_attributes(values: Tensor, attributes: Tensor | None) -> Tensor:
    """Attributes beside latents, or as constant maps beside images.

    Raises:
        UsageError: there are none.
    """
    if attributes is None:
        raise UsageError("this network needs attributes: give one row for each sample.")
    return append_one_hot(values, attributes, attributes.shape[1])
