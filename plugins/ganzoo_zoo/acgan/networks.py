"""The small discriminator of acgan, and critic of logan."""

from collections.abc import Sequence

from torch import Tensor, nn

from ganzoo.plugin import Discriminator, downsampling, init_normal, square_side
from ganzoo_zoo.networks import without_last


class ConvGuesser(Discriminator):
    """DCGAN's convolutions: images [N, *shape] to logits [N].

    Args:
        norm: with batch normalisation; a gradient penalty needs a network without.
        guesses: classes that a second last layer, ``guessing``, tells apart.
    """

    heads = ("head",)

    def __init__(self, width: int, shape: Sequence[int], guesses: int, norm: bool = True) -> None:
        super().__init__()
        self.body, features = without_last(downsampling(shape[0], square_side(tuple(shape)), width, norm))
        self.independent = not norm  # batch normalisation looks from one sample to another
        self.head = nn.Linear(features, 1)
        self.guessing = nn.Linear(features, guesses)
        init_normal(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples))[:, 0]
