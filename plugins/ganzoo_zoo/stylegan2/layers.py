"""Layers of arXiv:1912.04958: modulated convolutions, noise, smooth resizing.

No layer needs a kernel of its own: a modulated convolution scales its inputs and its outputs, which is the same as
scaling the weights for each image.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, linear

from ganzoo_zoo.equalised import EqualLinear, activated

TINY = 1e-8


class Blur(nn.Module):
    """The binomial filter [1, 3, 3, 1] in both directions: maps [N, C, H, W] to [N, C, H + 2 p - 3, W + 2 p - 3].

    Args:
        padding: p.
        stride: of the result.
        gain: of the sum of the filter.
    """

    filter: Tensor

    def __init__(self, padding: int, stride: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.padding, self.stride = padding, stride
        self.register_buffer("filter", gain * row[:, None] * row / row.sum() ** 2, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        channels = maps.shape[1]
        weight = self.filter.to(maps.dtype).expand(channels, 1, -1, -1)
        return conv2d(maps, weight, padding=self.padding, stride=self.stride, groups=channels)


class Enlarged(nn.Module):
    """Images twice as large, smoothly, then cut to ``side``: the filter between zeros that are put in."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side, self.blur = side, Blur(padding=1, gain=4.0)

    def forward(self, images: Tensor) -> Tensor:
        channels = images.shape[1]
        weight = self.blur.filter.to(images.dtype).expand(channels, 1, -1, -1)
        large = conv_transpose2d(images, weight, stride=2, padding=1, groups=channels)
        return large[..., : self.side, : self.side]


class ModulatedConv(nn.Module):
    """A convolution whose inputs are scaled by a style, and whose outputs are brought back to unit variance: section
    2.2, equations 1 and 3.

    Args:
        style: length of the intermediate latents.
        side: of the result, twice that of the input or one less; 0: that of the input.
        demodulate: bring back to unit variance.
    """

    def __init__(
        self, inputs: int, outputs: int, size: int, style: int, side: int = 0, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.scale = 1 / (inputs * size**2) ** 0.5
        self.style = EqualLinear(style, inputs, bias_at=1.0)
        self.side, self.demodulate, self.padding = side, demodulate, size // 2
        self.blur = Blur(padding=1, gain=4.0) if side else None

    def forward(self, maps: Tensor, latents: Tensor) -> Tensor:
        styles = self.style(latents)
        weight = self.weight * self.scale
        maps = maps * styles[:, :, None, None]
        if self.blur is None:
            maps = conv2d(maps, weight, padding=self.padding)
        else:
            maps = self.blur(conv_transpose2d(maps, weight.transpose(0, 1), stride=2))[..., : self.side, : self.side]
        if self.demodulate:
            power = linear(styles.float().square(), weight.float().square().sum((2, 3)))
            maps = maps * torch.rsqrt(power + TINY)[:, :, None, None].to(maps.dtype)
        return maps


class Styled(nn.Module):
    """A modulated convolution, noise, a bias, LeakyReLU: figure 2 (c).

    In training the noise is new each time; afterwards it is always the same, so that a latent has one picture.
    """

    fixed: Tensor

    def __init__(self, inputs: int, outputs: int, side: int, style: int, up: bool) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 3, style, side if up else 0)
        self.strength, self.bias = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(outputs))
        self.register_buffer("fixed", torch.randn(1, 1, side, side))

    def forward(self, maps: Tensor, latents: Tensor) -> Tensor:
        maps = self.conv(maps, latents)
        noise = torch.randn_like(maps[:, :1]) if self.training else self.fixed
        return activated(maps + self.strength * noise + self.bias[:, None, None])
