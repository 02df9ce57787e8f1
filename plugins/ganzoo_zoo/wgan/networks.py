"""DCGAN's networks (arXiv:1511.06434) for images, fully connected ones for points; the critic's output is a score."""

from math import prod

from torch import Tensor, nn

from ganzoo.models.blocks import downsampling, init_normal, mlp, square_side, upsampling
from ganzoo.models.interfaces import Discriminator, Generator


class ConvGenerator(Generator):
    """Latents [N, latent_dim] to images [N, *shape] in [-1, 1]."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.body = upsampling(latent_dim, shape, width)
        init_normal(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(latents[:, :, None, None])


class ConvCritic(Discriminator):
    """Images [N, *shape] to scores [N]."""

    def __init__(self, width: int, shape: tuple[int, ...], norm: bool) -> None:
        super().__init__()
        self.body = downsampling(shape[0], square_side(shape), width, norm)
        self.independent = not norm  # batch normalisation looks from one sample to another
        init_normal(self)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(samples).flatten()


class MLPGenerator(Generator):
    """Latents [N, latent_dim] to samples [N, *shape]; images end in tanh, points are unbounded."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.shape = shape
        self.body = mlp([latent_dim, 4 * width, 4 * width, 4 * width], norm=False)
        self.head = nn.Linear(4 * width, prod(shape))
        self.squash: nn.Module = nn.Tanh() if len(shape) == 3 else nn.Identity()

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.squash(self.head(self.body(latents))).view(-1, *self.shape)


class MLPCritic(Discriminator):
    """Samples [N, *shape] to scores [N]."""

    independent = True

    def __init__(self, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = mlp([prod(shape), 4 * width, 4 * width, 4 * width], norm=False)
        self.head = nn.Linear(4 * width, 1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples.flatten(1))).squeeze(1)
