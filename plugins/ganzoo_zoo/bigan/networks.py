"""BiGAN's own network: a D that sees pictures and latents."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.plugin import Discriminator, UsageError, downsampling, init_normal, square_side
from ganzoo_zoo.networks import without_last

SLOPE = 0.2


class JointDiscriminator(Discriminator):
    """Images [N, *shape] and latents [N, latent_dim] to logits [N]: figure 1."""

    heads = ("head",)

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], hidden: int) -> None:
        super().__init__(condition="latents")
        self.trunk, features = without_last(downsampling(shape[0], square_side(tuple(shape)), width))
        self.joint = nn.Sequential(nn.Linear(features + latent_dim, hidden), nn.LeakyReLU(SLOPE))
        self.head = nn.Linear(hidden, 1)
        init_normal(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        if condition is None:
            raise UsageError("this discriminator needs latents: give a row for each sample.")
        return self.head(self.joint(torch.cat([self.trunk(samples), condition.to(samples.dtype)], 1)))[:, 0]
