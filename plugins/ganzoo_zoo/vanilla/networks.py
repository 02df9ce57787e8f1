"""Fully connected networks after arXiv:1406.2661, with the LeakyReLU and batch normalisation that later work added."""

from math import prod

from torch import Tensor, nn

from ganzoo.models.blocks import Dropout, mlp
from ganzoo.models.interfaces import Discriminator, Generator


class MLPGenerator(Generator):
    """Latents [N, latent_dim] to samples [N, *shape]; images end in tanh, points are unbounded."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.shape = shape
        self.body = mlp([latent_dim, width, 2 * width, 4 * width], norm=True)
        self.head = nn.Linear(4 * width, prod(shape))
        self.squash: nn.Module = nn.Tanh() if len(shape) == 3 else nn.Identity()

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.squash(self.head(self.body(latents))).view(-1, *self.shape)


class MLPDiscriminator(Discriminator):
    """Samples [N, *shape] to logits [N]; dropout keeps it from memorising the training set."""

    independent = True

    def __init__(self, width: int, shape: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.body = mlp([prod(shape), 2 * width, width], norm=False)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(width, 1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.head(self.dropout(self.body(samples.flatten(1)))).squeeze(1)
