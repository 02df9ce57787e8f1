"""Networks that several toys share."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from ganzoo.plugin import Condition, Discriminator, Generator, mlp

LATENT = 8


class Drawer(Generator):
    """Latents, with a condition beside them where it takes one, to samples of any shape in [-1, 1]."""

    def __init__(self, shape: Sequence[int], condition: Condition | int = 0, length: int = 0, width: int = 32) -> None:
        super().__init__(LATENT, condition)
        self.shape = tuple(shape)
        self.body = mlp([LATENT + length, width], norm=False)
        self.head = nn.Linear(width, prod(shape))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        given = latents if condition is None else torch.cat([latents, condition], 1)
        return self.head(self.body(given)).tanh().unflatten(1, self.shape)


class Critic(Discriminator):
    """Samples of any shape, beside a vector where it takes one, to logits [N]."""

    independent = True

    def __init__(self, shape: Sequence[int], condition: str = "", length: int = 0, width: int = 32) -> None:
        super().__init__(condition=condition)
        self.body = mlp([prod(shape) + length, width], norm=False)
        self.head = nn.Linear(width, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        flat = samples.flatten(1) if condition is None else torch.cat([samples.flatten(1), condition], 1)
        return self.head(self.body(flat))[:, 0]
