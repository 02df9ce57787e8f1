"""Networks that see the label, one-hot beside the latent and beside the sample: arXiv:1411.1784, section 3.2.

The paper's networks are fully connected; the convolutional ones are DCGAN's (arXiv:1511.06434) with the same wiring.
"""

from math import prod

from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.models.blocks import Dropout, append_one_hot, downsampling, init_normal, mlp, square_side, upsampling
from ganzoo.models.interfaces import Discriminator, Generator


class ConvGenerator(Generator):
    """Latents [N, latent_dim] and labels [N] to images [N, *shape] in [-1, 1]."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(latent_dim, classes)
        self.body = upsampling(latent_dim + classes, shape, width)
        init_normal(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(append_one_hot(latents, needed(labels), self.classes)[:, :, None, None])


class ConvDiscriminator(Discriminator):
    """Images [N, *shape] and labels [N] to logits [N]; the label enters as constant feature maps."""

    def __init__(self, width: int, shape: tuple[int, ...], classes: int, norm: bool = True) -> None:
        super().__init__(classes)
        self.body = downsampling(shape[0] + classes, square_side(shape), width, norm)
        self.independent = not norm  # batch normalisation looks from one sample to another
        init_normal(self)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(append_one_hot(samples, needed(labels), self.classes)).flatten()


class MLPGenerator(Generator):
    """Fully connected: latents [N, latent_dim] and labels [N] to samples [N, *shape]."""

    def __init__(self, latent_dim: int, width: int, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(latent_dim, classes)
        self.shape = shape
        self.body = mlp([latent_dim + classes, 4 * width, 8 * width, 16 * width], norm=True)
        self.head = nn.Linear(16 * width, prod(shape))
        self.squash: nn.Module = nn.Tanh() if len(shape) == 3 else nn.Identity()

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        hidden = self.body(append_one_hot(latents, needed(labels), self.classes))
        return self.squash(self.head(hidden)).view(-1, *self.shape)


class MLPDiscriminator(Discriminator):
    """Fully connected: samples [N, *shape] and labels [N] to logits [N]; dropout before the logit."""

    independent = True

    def __init__(self, width: int, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(classes)
        self.body = mlp([prod(shape) + classes, 8 * width, 4 * width], norm=False)
        self.dropout = Dropout(0.3)
        self.head = nn.Linear(4 * width, 1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        joined = append_one_hot(samples.flatten(1), needed(labels), self.classes)
        return self.head(self.dropout(self.body(joined))).squeeze(1)


def needed(labels: Tensor | None) -> Tensor:
    """The labels, which a conditional network cannot do without.

    Raises:
        UsageError: there are none.
    """
    if labels is None:
        raise UsageError("a conditional network needs labels: give one class for each sample.")
    return labels
