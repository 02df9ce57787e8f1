"""Networks of GAN-INT-CLS: DCGAN's, told an embedding of a text. D is that of StackGAN too."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.plugin import Discriminator, TextCondition, UsageError, downsampling, init_normal, square_side, upsampling
from ganzoo_zoo.texts import TextGenerator


class ConvTextGenerator(TextGenerator):
    """Latents [N, latent_dim] and texts to images [N, *shape] in [-1, 1]: arXiv:1605.05396, section 4.1.

    Args:
        encoder, length, words: see :class:`ganzoo_zoo.texts.TextGenerator`.
        embedding: length of the encoder's embeddings.
        reduced: numbers that an embedding becomes before it stands beside the latent.
    """

    def __init__(
        self, latent_dim: int, width: int, shape: Sequence[int], encoder: nn.Module, embedding: int, reduced: int,
        length: int, words: tuple[str, ...],
    ) -> None:  # fmt: skip
        super().__init__(latent_dim, encoder, length, words)
        self.reduce = nn.Sequential(nn.Linear(embedding, reduced), nn.LeakyReLU(0.2))
        self.body = upsampling(latent_dim + reduced, tuple(shape), width)
        init_normal(self.body)

    def drawn(self, latents: Tensor, embeddings: Tensor) -> Tensor:
        return self.body(torch.cat([latents, self.reduce(embeddings)], 1)[:, :, None, None])


class TextDiscriminator(Discriminator):
    """Images [N, *shape] and texts to logits [N]: arXiv:1605.05396, section 4.1.

    The embedding stands, as constant maps, beside the smallest feature maps; a 1x1 convolution looks at both.

    Args:
        told: the generator's condition, whose encoder turns texts into embeddings.
        embedding: their length.
        reduced: numbers that an embedding becomes before it stands beside the maps.
    """

    def __init__(self, width: int, shape: Sequence[int], told: TextCondition, embedding: int, reduced: int) -> None:
        super().__init__(condition="text")
        *layers, last = downsampling(shape[0], square_side(tuple(shape)), width)
        assert isinstance(last, nn.Conv2d), "DCGAN's last layer"
        maps, side = last.in_channels, last.kernel_size[0]
        assert told.encoder is not None, "a generator's own"
        self.encoder = told.encoder
        self.reduce = nn.Sequential(nn.Linear(embedding, reduced), nn.LeakyReLU(0.2))
        self.trunk = nn.Sequential(*layers)
        self.joint = nn.Sequential(
            nn.Conv2d(maps + reduced, maps, 1, bias=False), nn.BatchNorm2d(maps), nn.LeakyReLU(0.2, inplace=True)
        )
        self.last = nn.Conv2d(maps, 1, side)
        for part in (self.trunk, self.joint, self.last):
            init_normal(part)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        if condition is None:
            raise UsageError("this discriminator needs texts: give one for each sample.")
        embeddings = condition if condition.is_floating_point() else self.encoder(condition)
        maps = self.trunk(samples)
        beside = self.reduce(embeddings)[:, :, None, None].expand(-1, -1, *maps.shape[2:])
        return self.last(self.joint(torch.cat([maps, beside.to(maps.dtype)], 1))).flatten()
