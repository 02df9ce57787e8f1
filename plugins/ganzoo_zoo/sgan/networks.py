"""The networks of arXiv:1606.03498 for MNIST (fully connected) and CIFAR-10 (convolutional).

The classifiers have weight normalisation and noise (Gaussian, or dropout) instead of batch normalisation, so that one
pass over labelled, real and generated images together equals three.
"""

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ganzoo.plugin import Classifier, ConfigError, Dropout, Generator, device_of, square_side
from ganzoo_zoo.sgan.layers import GaussianNoise, NormalisedConv, NormalisedLinear


class UniformGenerator(Generator):
    """A generator whose latents are uniform in [0, 1], as in the authors' code."""

    def latents(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        device = device_of(self)
        if rng is None:
            return torch.rand(n, self.latent_dim, device=device)
        return torch.rand(n, self.latent_dim, generator=rng).to(device)


class MLPGenerator(UniformGenerator):
    """Latents [N, latent_dim] to images [N, *shape]: two hidden layers of 500, softplus, batch normalisation."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.shape = shape
        layers: list[nn.Module] = []
        for fan_in in (latent_dim, width):
            layers += [nn.Linear(fan_in, width, bias=False), nn.BatchNorm1d(width, affine=False), Shifted(width)]
        self.body = nn.Sequential(*layers, NormalisedLinear(width, prod(shape), train_length=True))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return (2 * torch.sigmoid(self.body(latents)) - 1).view(-1, *self.shape)


class Shifted(nn.Module):
    """A bias and softplus: what follows batch normalisation without a scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, values: Tensor) -> Tensor:
        return nn.functional.softplus(values + self.bias)


class MLPClassifier(Classifier):
    """Images [N, *shape] to logits [N, classes]: hidden layers of 1000, 500, 250, 250, 250, noise before each.

    Args:
        noise: multiple of the paper's standard deviations.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int, noise: float = 1.0) -> None:
        super().__init__(classes)
        widths = [prod(shape), 2 * width, width, width // 2, width // 2, width // 2]
        layers: list[nn.Module] = [GaussianNoise(0.3 * noise)]
        for fan_in, fan_out in pairwise(widths):
            layers += [NormalisedLinear(fan_in, fan_out), nn.ReLU(), GaussianNoise(0.5 * noise)]
        self.body = nn.Sequential(*layers[:-1])
        self.noise = GaussianNoise(0.5 * noise)
        self.head = NormalisedLinear(widths[-1], classes, train_length=True)

    def features(self, images: Tensor) -> Tensor:
        return self.body((images.flatten(1) + 1) / 2)

    def logits(self, features: Tensor) -> Tensor:
        return self.head(self.noise(features))


class ConvGenerator(UniformGenerator):
    """Latents [N, latent_dim] to images [N, C, S, S], S a multiple of 8: maps of S/8, then three deconvolutions."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim)
        self.side, self.maps = eighth(shape), 8 * width
        self.dense = nn.Sequential(
            nn.Linear(latent_dim, self.maps * self.side**2, bias=False),
            nn.BatchNorm1d(self.maps * self.side**2), nn.ReLU(),
        )  # fmt: skip
        layers: list[nn.Module] = []
        for fan_in in (8 * width, 4 * width):
            layers.append(nn.ConvTranspose2d(fan_in, fan_in // 2, 5, 2, 2, output_padding=1, bias=False))
            layers += [nn.BatchNorm2d(fan_in // 2), nn.ReLU()]
        last = nn.ConvTranspose2d(2 * width, shape[0], 5, 2, 2, output_padding=1)
        self.body = nn.Sequential(*layers, weight_norm(last, dim=1), nn.Tanh())

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(self.dense(latents).view(-1, self.maps, self.side, self.side))


class ConvClassifier(Classifier):
    """Images [N, C, S, S] to logits [N, classes]: nine convolutions, dropout, mean over what is left of the area."""

    def __init__(self, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__(classes)
        eighth(shape)
        a, b = 3 * width // 2, 3 * width
        # (inputs, outputs, kernel, stride, padding)
        plan = (
            (shape[0], a, 3, 1, 1), (a, a, 3, 1, 1), (a, a, 3, 2, 1),
            (a, b, 3, 1, 1), (b, b, 3, 1, 1), (b, b, 3, 2, 1),
            (b, b, 3, 1, 0), (b, b, 1, 1, 0), (b, b, 1, 1, 0),
        )  # fmt: skip
        layers: list[nn.Module] = [Dropout(0.2)]
        for i, (fan_in, fan_out, size, stride, padding) in enumerate(plan):
            layers += [NormalisedConv(fan_in, fan_out, size, stride, padding), nn.LeakyReLU(0.2)]
            layers += [Dropout(0.5)] if i in (2, 5) else []
        self.body = nn.Sequential(*layers)
        self.head = NormalisedLinear(b, classes, train_length=True, first_std=0.1)

    def features(self, images: Tensor) -> Tensor:
        return self.body(images).mean((2, 3))

    def logits(self, features: Tensor) -> Tensor:
        return self.head(features)


def eighth(shape: tuple[int, ...]) -> int:
    """An eighth of the side of square images.

    Raises:
        ConfigError: not square, below 16 pixels, or no multiple of 8.
    """
    side = square_side(shape)
    if side % 8 or side < 16:
        raise ConfigError(
            f"images of {side} pixels do not fit network = conv, which needs a multiple of 8, at least 16: choose "
            "another resolution, or -o network=mlp."
        )
    return side // 8
