"""The small critic that logan uses in the place of a residual one."""

from collections.abc import Sequence

from torch import Tensor, nn

from ganzoo.plugin import Discriminator, downsampling, init_normal, square_side
from ganzoo_zoo.networks import without_last


class ConvGuesser(Discriminator):
    """DCGAN's convolutions without normalisation, which a gradient penalty needs: images [N, *shape] to scores [N].

    Args:
        guesses: classes that a second last layer, ``guessing``, tells apart.
    """

    independent = True
    heads = ("head",)

    def __init__(self, width: int, shape: Sequence[int], guesses: int) -> None:
        super().__init__()
        self.body, features = without_last(downsampling(shape[0], square_side(tuple(shape)), width, norm=False))
        self.head = nn.Linear(features, 1)
        self.guessing = nn.Linear(features, guesses)
        init_normal(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples))[:, 0]
