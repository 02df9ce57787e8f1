"""Small fully connected networks, for samples of any shape."""

from math import prod

from torch import Tensor, nn

from ganzoo.plugin import Discriminator, Generator, mlp


class Drawer(Generator):
    """Latents [N, latent_dim] to samples [N, *shape]; images end in tanh."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.shape = shape
        self.body = mlp([latent_dim, width, width], norm=False)
        self.head = nn.Sequential(nn.Linear(width, prod(shape)), nn.Tanh() if len(shape) == 3 else nn.Identity())

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(latents)).view(-1, *self.shape)


class Judge(Discriminator):
    """Samples [N, *shape] to logits [N]."""

    independent = True  # no sample influences the logit of another one

    def __init__(self, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = mlp([prod(shape), width, width], norm=False)
        self.head = nn.Linear(width, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples.flatten(1)))[:, 0]


class Teller(nn.Module):
    """Samples [N, *shape] to two logits [N, 2]: which generator has drawn them?"""

    def __init__(self, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = nn.Sequential(mlp([prod(shape), width], norm=False), nn.Linear(width, 2))

    def forward(self, samples: Tensor) -> Tensor:
        return self.body(samples.flatten(1))
