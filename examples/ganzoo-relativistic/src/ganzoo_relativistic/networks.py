"""Networks in the shape of DCGAN's (arXiv:1511.06434), from the layers that ganzoo shares."""

from torch import Tensor

from ganzoo.plugin import Discriminator, Generator, downsampling, init_normal, square_side, upsampling


class ConvGenerator(Generator):
    """Latents [N, latent_dim] to images [N, *shape] in [-1, 1]."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.body = upsampling(latent_dim, shape, width)
        init_normal(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(latents[:, :, None, None])


class ConvDiscriminator(Discriminator):
    """Images [N, *shape] to logits [N]."""

    def __init__(self, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = downsampling(shape[0], square_side(shape), width)
        init_normal(self)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(samples).flatten()
