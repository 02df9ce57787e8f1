"""Residual networks that sngan, projection and acgan share: arXiv:1802.05957, tables 3 and 4; arXiv:1802.05637.

For square images of any size from 8 pixels on: a map of an odd side is cut from one a pixel larger.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from ganzoo.plugin import (
    Discriminator,
    Generator,
    PooledConv2d,
    UpsampledConv2d,
    UsageError,
    pyramid,
    square_side,
)

SMALL = 3
"""Up to so many enlargements (32 pixels) all maps are as many, as in table 4; beyond they are halved, as in table 6."""
GAIN = 2**0.5
"""Of ReLU, for the initialisation of convolutions inside a block: Glorot's, as in the authors' code."""


class ClassBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation whose scale and shift are of a class: arXiv:1610.07629, section 2.2.

    Args:
        classes: 0: scale and shift are everybody's.
    """

    def __init__(self, maps: int, classes: int) -> None:
        super().__init__(maps, affine=not classes)
        if classes:
            self.scale = nn.Parameter(torch.ones(classes, maps))
            self.shift = nn.Parameter(torch.zeros(classes, maps))
        self.classes = classes

    def of_class(self, maps: Tensor, condition: Tensor | None) -> Tensor:
        """Maps [N, C, H, W] normalised; ``condition`` are class numbers [N], or shares of classes [N, classes]."""
        maps = self(maps)
        if not self.classes:
            return maps
        if condition is None:
            raise UsageError("a conditional network needs labels: give one class for each sample.")
        mixed = condition.is_floating_point()
        scale, shift = (condition @ each if mixed else each[condition] for each in (self.scale, self.shift))
        return maps * scale[:, :, None, None] + shift[:, :, None, None]


class UpBlock(nn.Module):
    """Twice as large, then cut to ``side``: arXiv:1802.05957, figure 8 (left)."""

    def __init__(self, inputs: int, outputs: int, side: int, classes: int) -> None:
        super().__init__()
        self.side = side
        self.first, self.second = ClassBatchNorm2d(inputs, classes), ClassBatchNorm2d(outputs, classes)
        self.up, self.conv = UpsampledConv2d(inputs, outputs), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.skip = nn.Conv2d(inputs, outputs, 1)
        for layer, gain in ((self.up, GAIN), (self.conv, GAIN), (self.skip, 1.0)):
            glorot(layer, gain)

    def forward(self, maps: Tensor, condition: Tensor | None) -> Tensor:
        beside = interpolate(self.skip(maps), scale_factor=2.0, mode="nearest")
        inner = self.up(self.first.of_class(maps, condition).relu())
        inner = self.conv(self.second.of_class(inner, condition).relu())
        return (beside + inner)[..., : self.side, : self.side]


class DownBlock(nn.Module):
    """Half as large, or with ``down=False`` as large: arXiv:1802.05957, figure 8 (right).

    Args:
        first: it sees the image: no ReLU before its first convolution.
    """

    def __init__(self, inputs: int, outputs: int, down: bool = True, first: bool = False) -> None:
        super().__init__()
        self.down, self.first = down, first
        self.conv = nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.last: nn.Conv2d = PooledConv2d(outputs, outputs) if down else nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if down or inputs != outputs else None
        for layer, gain in ((self.conv, GAIN), (self.last, GAIN), (self.skip, 1.0)):
            if layer is not None:
                glorot(layer, gain)

    def forward(self, maps: Tensor) -> Tensor:
        if self.down and maps.shape[2] % 2:
            maps = pad(maps, (0, 1, 0, 1), mode="replicate")
        inner = self.last(self.conv(maps if self.first else maps.relu()).relu())
        beside = nn.functional.avg_pool2d(maps, 2) if self.down else maps
        return inner + (beside if self.skip is None else self.skip(beside))


class ResNetGenerator(Generator):
    """Latents [N, latent_dim] to images [N, *shape] in [-1, 1]; classes enter through batch normalisation."""

    mixes_classes = True

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], classes: int = 0) -> None:
        super().__init__(latent_dim, classes)
        sides = pyramid(square_side(tuple(shape)))
        self.small = sides[0]
        ups = len(sides) - 1
        maps = [2 * width] * len(sides)
        if ups > SMALL:
            maps = [max(1, width // 2) * min(16, 2 ** (ups - level)) for level in range(len(sides))]
        self.dense = nn.Linear(latent_dim, maps[0] * self.small**2)
        glorot(self.dense, 1.0)
        self.blocks = nn.ModuleList(
            UpBlock(a, b, side, classes) for (a, b), side in zip(pairwise(maps), sides[1:], strict=True)
        )
        self.norm = nn.BatchNorm2d(maps[-1])
        self.head = nn.Conv2d(maps[-1], shape[0], 3, 1, 1)
        glorot(self.head, 1.0)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        maps = self.dense(latents).unflatten(1, (-1, self.small, self.small))
        for block in self.blocks:
            maps = block(maps, condition)
        return self.head(self.norm(maps).relu()).tanh()


class ResNetDiscriminator(Discriminator):
    """Images [N, *shape] to logits [N].

    Args:
        projection: classes of which one is shown beside each image: the logit has the product of its embedding and
            the features added, arXiv:1802.05637, equation 10.
        guesses: classes that a second last layer tells apart, in :meth:`guess`.
    """

    independent = True
    heads = ("head",)

    def __init__(self, width: int, shape: Sequence[int], projection: int = 0, guesses: int = 0) -> None:
        super().__init__(projection)
        ups = len(pyramid(square_side(tuple(shape)))) - 1
        maps = [width] * max(1, ups - 1)
        if ups > SMALL:
            maps = [max(1, width // 2) * min(16, 2**level) for level in range(ups)]
        blocks = [DownBlock(a, b, first=i == 0) for i, (a, b) in enumerate(pairwise([shape[0], *maps]))]
        blocks += [DownBlock(maps[-1], maps[-1], down=False) for _ in range(1 if ups > SMALL else 2)]
        inputs = maps[-1]
        self.body, self.features = nn.Sequential(*blocks), inputs
        self.head = nn.Linear(inputs, 1)
        glorot(self.head, 1.0)
        # Linear layers without a bias: spectral normalisation finds them.
        self.embedding = nn.Linear(projection, inputs, bias=False) if projection else None
        self.guessing = nn.Linear(inputs, guesses) if guesses else None

    def pooled(self, samples: Tensor) -> Tensor:
        """The features of samples, summed over the image: [N, F]."""
        return self.body(samples).relu().sum((2, 3))

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        features = self.pooled(samples)
        logits: Tensor = self.head(features)[:, 0]
        if self.embedding is None:
            return logits
        if condition is None:
            raise UsageError("a conditional network needs labels: give one class for each sample.")
        codes = nn.functional.one_hot(condition, self.classes).to(features.dtype)
        return logits + (self.embedding(codes) * features).sum(1)


def glorot(layer: nn.Linear | nn.Conv2d, gain: float) -> None:
    """Glorot's uniform initialisation, biases 0."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
