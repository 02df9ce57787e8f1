"""The plain discriminator of arXiv:1802.05957, table 3 (b)."""

from collections.abc import Sequence

from torch import Tensor, nn

from ganzoo.plugin import Discriminator, pyramid, square_side

SLOPE = 0.1


class PlainDiscriminator(Discriminator):
    """Images [N, *shape] to logits [N]: at each resolution a convolution of 3x3, then one of 4x4 that halves it.

    Args:
        width: feature maps at the full resolution; the paper: 64.
    """

    independent = True

    def __init__(self, width: int, shape: Sequence[int]) -> None:
        super().__init__()
        side, layers, inputs = square_side(tuple(shape)), [], shape[0]
        halvings = len(pyramid(side)) - 1
        for level in range(halvings):
            outputs = width * min(8, 2**level)
            layers += [nn.Conv2d(inputs, outputs, 3, 1, 1), nn.LeakyReLU(SLOPE)]
            inputs = width * min(8, 2 ** (level + 1))
            layers += [nn.Conv2d(outputs, inputs, 4, 2, 1), nn.LeakyReLU(SLOPE)]
            side //= 2
        self.body = nn.Sequential(*layers, nn.Conv2d(inputs, inputs, 3, 1, 1), nn.LeakyReLU(SLOPE), nn.Flatten())
        self.head = nn.Linear(inputs * side**2, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples))[:, 0]
