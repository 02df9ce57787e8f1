"""Layers that progan and stylegan2 share: an equalised learning rate, and what D is shown of a batch."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, linear

SLOPE, GAIN = 0.2, 2**0.5
MOST_MAPS = 512
GROUP = 4
"""Images whose standard deviation is shown to D together."""


def maps_of(width: int, count: int) -> list[int]:
    """Feature maps from the smallest side to the largest: ``width`` at the full resolution, doubled at each smaller."""
    return [min(max(MOST_MAPS, width), width * 2 ** (count - 1 - level)) for level in range(count)]


def activated(values: Tensor) -> Tensor:
    """LeakyReLU, scaled so that the variance stays the same."""
    return leaky_relu(values, SLOPE) * GAIN


class EqualLinear(nn.Linear):
    """Weights drawn from the unit normal and scaled when they are used, so that Adam moves all layers alike:
    arXiv:1710.10196, section 4.1.

    Args:
        bias_at: where the biases begin.
        rate: multiple of the learning rate.
    """

    def __init__(self, inputs: int, outputs: int, bias_at: float = 0.0, rate: float = 1.0) -> None:
        super().__init__(inputs, outputs)
        self.rate, self.scale = rate, rate / inputs**0.5
        nn.init.normal_(self.weight, 0, 1 / rate)
        nn.init.constant_(self.bias, bias_at / rate)

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight * self.scale, self.bias * self.rate)


class EqualConv2d(nn.Conv2d):
    """A convolution of the same kind, with padding that keeps the sides of its result."""

    def __init__(self, inputs: int, outputs: int, size: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, size, padding=size // 2, bias=bias)
        self.scale = 1 / (inputs * size**2) ** 0.5
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return conv2d(input, self.weight * self.scale, self.bias, padding=self.padding)


def with_spread(maps: Tensor) -> Tensor:
    """Maps with one more: the mean standard deviation over groups of images (arXiv:1710.10196, section 3)."""
    n = len(maps)
    size = GROUP if n % GROUP == 0 else n
    groups = maps.float().unflatten(0, (size, -1))
    spread = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3)).to(maps.dtype)
    return torch.cat([maps, spread.repeat(size)[:, None, None, None].expand(-1, -1, *maps.shape[2:])], 1)
