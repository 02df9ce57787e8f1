"""Layers and initialisations that two or more variants share."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d, one_hot, pad

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


def pyramid(resolution: int) -> list[int]:
    """Sides from the smallest feature map to the image, each half the next, rounded up: 28 -> [4, 7, 14, 28].

    Raises:
        ConfigError: smaller than 8 pixels.
    """
    if resolution < 8:
        raise ConfigError(f"resolution {resolution} is too small for convolutional networks: use 8 or more.")
    sides = [resolution]
    while sides[0] > 4:
        sides.insert(0, (sides[0] + 1) // 2)
    return sides


def kernel(side: int) -> int:
    """Size of the kernel between a feature map and one half its ``side``: at stride 2 and padding 1 it fits exactly."""
    return 4 if side % 2 == 0 else 3


def square_side(shape: tuple[int, ...]) -> int:
    """The side of square images of this shape (C, H, W), or of cubes of voxels (C, D, H, W).

    Raises:
        ConfigError: the sides differ.
    """
    sides = "x".join(map(str, shape[1:]))
    if len(shape) == 4 and len(set(shape[1:])) > 1:
        raise ConfigError(f"voxels of {sides} are no cube; these networks need three equal sides.")
    if shape[1] != shape[2]:
        raise ConfigError(f"images of {sides} are not square; -o resolution=N crops and scales them.")
    return shape[1]


def feature_maps(width: int, count: int) -> list[int]:
    """Numbers of feature maps from the smallest map to the largest hidden one: halved each time, at most 8 x width."""
    return [width * min(8, 2 ** (count - 1 - i)) for i in range(count)]


WEIGHTED = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
TRANSPOSED: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
STRIDED: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
NORM: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
"""Layers by the number of dimensions: 2 for images, 3 for voxels."""


def upsampling(inputs: int, shape: tuple[int, ...], width: int) -> nn.Sequential:
    """The generator of arXiv:1511.06434: [N, inputs, 1, 1] to [N, *shape] by fractionally strided convolutions.

    For voxels (C, D, H, W) the same in three dimensions, [N, inputs, 1, 1, 1] to [N, *shape]: that of arXiv:1610.07584.

    Batch normalisation and ReLU after every layer but the last, which ends in tanh. Kernels are 4x4 (the paper's
    figure has 5x5), so that every output pixel sees the same number of inputs; 3x3 where an odd side is reached.
    """
    sides = pyramid(square_side(shape))
    maps = feature_maps(width, len(sides) - 1)
    transposed, norm = TRANSPOSED[len(shape) - 1], NORM[len(shape) - 1]
    layers: list[nn.Module] = [transposed(inputs, maps[0], sides[0], bias=False)]
    for (fan_in, fan_out), side in zip(pairwise(maps), sides[1:-1], strict=True):
        layers += [norm(fan_in), nn.ReLU(inplace=True)]
        layers += [transposed(fan_in, fan_out, kernel(side), stride=2, padding=1, bias=False)]
    layers += [norm(maps[-1]), nn.ReLU(inplace=True)]
    layers += [transposed(maps[-1], shape[0], kernel(sides[-1]), stride=2, padding=1), nn.Tanh()]
    return nn.Sequential(*layers)


def downsampling(inputs: int, side: int, width: int, norm: bool = True, dimensions: int = 2) -> nn.Sequential:
    """The discriminator of arXiv:1511.06434: [N, inputs, side, side] to logits [N, 1, 1, 1] by strided convolutions.

    LeakyReLU(0.2) after every layer but the last; batch normalisation, when ``norm``, except after the first and the
    last. With three ``dimensions`` it is of voxels [N, inputs, side, side, side], as in arXiv:1610.07584.
    """
    convolution, normalised = STRIDED[dimensions], NORM[dimensions]
    sides = pyramid(side)
    maps = feature_maps(width, len(sides) - 1)
    layers: list[nn.Module] = [convolution(inputs, maps[-1], kernel(side), stride=2, padding=1)]
    layers.append(nn.LeakyReLU(0.2, inplace=True))
    for (fan_out, fan_in), larger in reversed(list(zip(pairwise(maps), sides[1:-1], strict=True))):
        layers += [convolution(fan_in, fan_out, kernel(larger), stride=2, padding=1, bias=not norm)]
        layers += [normalised(fan_out)] if norm else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    layers.append(convolution(maps[0], 1, sides[0]))
    return nn.Sequential(*layers)


class UpsampledConv2d(nn.Conv2d):
    """Nearest-neighbour enlargement by 2, then a 3x3 convolution with padding 1: [N, C, H, W] to [N, out, 2H, 2W].

    Computed as one transposed convolution, whose 4x4 kernel is the sum of four shifted copies of the 3x3 one: the same
    numbers, for 2.25 times fewer operations. The parameter is the 3x3 weight, as if the two were apart.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, maps: Tensor) -> Tensor:
        kernel = shifted_sum(self.weight.flip(2, 3)).transpose(0, 1)
        return conv_transpose2d(maps, kernel, self.bias, stride=2, padding=1)


class PooledConv2d(nn.Conv2d):
    """A 3x3 convolution with padding 1, then the mean over 2x2: [N, C, H, W] to [N, out, H/2, W/2], H and W even.

    Computed as one 4x4 convolution of stride 2; the parameter is the 3x3 weight. See :class:`UpsampledConv2d`.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, maps: Tensor) -> Tensor:
        return conv2d(maps, shifted_sum(self.weight) / 4, self.bias, stride=2, padding=1)


class Dropout(nn.Dropout):
    """Dropout, arXiv:1207.0580, whose random numbers cost a tenth on a CPU: sixteen bits an element, not a call each.

    There the share that is left out is ``p`` rounded to a multiple of 2**-16, and what is kept is scaled by that very
    share, so that means are preserved. The mask does not depend on the layout of memory, nor is it that of
    ``nn.Dropout`` for the same seed. Elsewhere torch's own. There is no ``inplace``.

    Args:
        p: share of elements set to zero in training, in [0, 1].
    """

    LEVELS = 2**16

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def forward(self, features: Tensor) -> Tensor:
        left_out = round(self.p * self.LEVELS)
        certain = left_out in (0, self.LEVELS) or not self.training
        if certain or features.device.type != "cpu" or torch.compiler.is_compiling():
            return super().forward(features)
        count = features.numel()
        bits = torch.empty(-(-count // 4), dtype=torch.int64, device=features.device).random_(-(2**63), None)
        # In place, so that the comparison is of numbers of one type, which is several times as fast.
        kept = bits.view(torch.int16)[:count].view(features.shape).ge_(left_out - self.LEVELS // 2)
        return features * kept.to(features.dtype).mul_(self.LEVELS / (self.LEVELS - left_out))


class InstanceNorm2d(nn.InstanceNorm2d):
    """Instance normalisation, arXiv:1607.08022, that takes less time in training on a CPU.

    There torch's own rearranges its input; one image at a time goes through batch normalisation, which is the same for
    a batch of one and does not. Elsewhere torch's own.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or input.device.type != "cpu" or self.track_running_stats or torch.compiler.is_compiling():
            return super().forward(input)
        images = [batch_norm(i, None, None, self.weight, self.bias, True, 0.0, self.eps) for i in input.split(1)]
        return images[0] if len(images) == 1 else torch.cat(images)


def shifted_sum(weight: Tensor) -> Tensor:
    """Kernels [A, B, 3, 3] at the four places where they fit into 4x4, summed: [A, B, 4, 4]."""
    rows = pad(weight, (0, 0, 0, 1)) + pad(weight, (0, 0, 1, 0))
    return pad(rows, (0, 1)) + pad(rows, (1, 0))


def append_one_hot(samples: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Labels as more features: [N, D] -> [N, D + classes], or constant maps [N, C, H, W] -> [N, C + classes, H, W], of
    voxels too.

    Labels are class numbers, int64 [N], or shares of classes, floats [N, classes].
    """
    codes = labels if labels.is_floating_point() else one_hot(labels, classes)
    codes = codes.to(samples.dtype)
    if samples.dim() == 2:
        return torch.cat([samples, codes], dim=1)
    maps = codes.reshape(*codes.shape, *[1] * (samples.dim() - 2)).expand(-1, -1, *samples.shape[2:])
    return torch.cat([samples, maps], dim=1)


def init_normal(network: nn.Module, std: float = 0.02) -> None:
    """Weights N(0, 0.02): arXiv:1511.06434, section 4. Scales of batch normalisation N(1, 0.02), as in its code."""
    for module in network.modules():
        if isinstance(module, WEIGHTED):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.normal_(module.weight, 1.0, std)
            nn.init.zeros_(module.bias)
