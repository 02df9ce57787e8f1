"""The networks of arXiv:1511.06434, figure 1, for square images of any size from 8 pixels on."""

from torch import Tensor

from ganzoo.models.blocks import downsampling, init_normal, square_side, upsampling
from ganzoo.models.interfaces import Discriminator, Generator


class DCGANGenerator(Generator):
    """Latents [N, latent_dim] to images [N, *shape] in [-1, 1]."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.body = upsampling(latent_dim, shape, width)
        init_normal(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(latents[:, :, None, None])


class DCGANDiscriminator(Discriminator):
    """Images [N, *shape] to logits [N]."""

    def __init__(self, width: int, shape: tuple[int, ...], norm: bool = True) -> None:
        super().__init__()
        self.body = downsampling(shape[0], square_side(shape), width, norm)
        self.independent = not norm  # batch normalisation looks from one sample to another
        init_normal(self)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(samples).flatten()
