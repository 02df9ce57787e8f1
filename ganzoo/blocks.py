"""Layers and initialisations that two or more variants share."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ganzoo.errors import ConfigError


def mlp(widths: list[int], norm: bool) -> nn.Sequential:
    """Linear layers with LeakyReLU(0.2) between them, batch normalisation from the second on when ``norm``.

    Args:
        widths: sizes from input to the last hidden layer.
    """
    layers: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(fan_in, fan_out))
        if norm and i > 0:
            layers.append(nn.BatchNorm1d(fan_out))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers)


def pyramid(resolution: int) -> tuple[int, int]:
    """(base, doublings) with ``resolution = base * 2**doublings`` and base 4 to 7: 28 -> (7, 2), 64 -> (4, 4).

    Raises:
        ConfigError: no such split exists (30, say), or fewer than two doublings.
    """
    base, doublings = resolution, 0
    while base > 7 and base % 2 == 0:
        base, doublings = base // 2, doublings + 1
    if not 4 <= base <= 7 or doublings < 2:
        sizes = sorted(b * 2**k for b in (4, 5, 6, 7) for k in range(2, 6) if b * 2**k <= 128)
        raise ConfigError(
            f"resolution {resolution} does not suit a convolutional pyramid; use one of "
            f"{', '.join(map(str, sizes))} (-o resolution=N scales the images)."
        )
    return base, doublings


def square_side(shape: tuple[int, ...]) -> int:
    """The side of square images of this shape (C, H, W).

    Raises:
        ConfigError: height and width differ.
    """
    if shape[1] != shape[2]:
        raise ConfigError(f"images of {shape[1]}x{shape[2]} are not square; -o resolution=N crops and scales them.")
    return shape[1]


def channels_at(width: int, doublings: int) -> list[int]:
    """Feature maps from the smallest resolution to the largest hidden one: halved each time, at most 8 x width."""
    return [width * min(8, 2 ** (doublings - 1 - i)) for i in range(doublings)]


def upsampling(inputs: int, shape: tuple[int, ...], width: int) -> nn.Sequential:
    """The generator of arXiv:1511.06434: [N, inputs, 1, 1] to [N, *shape] by fractionally strided convolutions.

    Batch normalisation and ReLU after every layer but the last, which ends in tanh. Kernels are 4x4 (the paper's
    figure has 5x5), so that every output pixel sees the same number of inputs.
    """
    base, doublings = pyramid(square_side(shape))
    maps = channels_at(width, doublings)
    layers: list[nn.Module] = [nn.ConvTranspose2d(inputs, maps[0], base, bias=False)]
    for fan_in, fan_out in pairwise(maps):
        layers += [nn.BatchNorm2d(fan_in), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(fan_in, fan_out, 4, stride=2, padding=1, bias=False)]
    layers += [nn.BatchNorm2d(maps[-1]), nn.ReLU(inplace=True)]
    layers += [nn.ConvTranspose2d(maps[-1], shape[0], 4, stride=2, padding=1), nn.Tanh()]
    return nn.Sequential(*layers)


def downsampling(inputs: int, side: int, width: int) -> nn.Sequential:
    """The discriminator of arXiv:1511.06434: [N, inputs, side, side] to logits [N, 1, 1, 1] by strided convolutions.

    LeakyReLU(0.2) after every layer but the last; batch normalisation except after the first and the last.
    """
    base, doublings = pyramid(side)
    maps = channels_at(width, doublings)[::-1]
    layers: list[nn.Module] = [nn.Conv2d(inputs, maps[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
    for fan_in, fan_out in pairwise(maps):
        layers += [nn.Conv2d(fan_in, fan_out, 4, stride=2, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(fan_out), nn.LeakyReLU(0.2, inplace=True)]
    layers.append(nn.Conv2d(maps[-1], 1, base))
    return nn.Sequential(*layers)


def append_one_hot(samples: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Labels as more features: [N, D] -> [N, D + classes], or constant maps [N, C, H, W] -> [N, C + classes, H, W]."""
    codes = one_hot(labels, classes).to(samples.dtype)
    if samples.dim() == 2:
        return torch.cat([samples, codes], dim=1)
    maps = codes[:, :, None, None].expand(-1, -1, *samples.shape[2:])
    return torch.cat([samples, maps], dim=1)


def init_normal(network: nn.Module, std: float = 0.02) -> None:
    """Weights N(0, 0.02): arXiv:1511.06434, section 4. Scales of batch normalisation N(1, 0.02), as in its code."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, std)
            nn.init.zeros_(module.bias)
