"""Networks that several variants share: DCGAN's convolutional ones, and fully connected ones.

Each takes labels where ``classes`` is above 0: one-hot beside the latent and beside the sample, as in arXiv:1411.1784,
section 3.2, or in D by projection.
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from ganzoo.plugin import (
    Discriminator,
    Dropout,
    Encoder,
    Generator,
    UsageError,
    append_one_hot,
    downsampling,
    init_normal,
    mlp,
    square_side,
    upsampling,
)


class ConvGenerator(Generator):
    """The generator of arXiv:1511.06434, figure 1: latents [N, latent_dim] to images [N, *shape] in [-1, 1].

    For square images, and for cubes of voxels, of any size from 8 on.
    """

    mixes_classes = True  # one-hot codes can be mixed

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], classes: int = 0) -> None:
        super().__init__(latent_dim, classes)
        self.dimensions = len(shape) - 1
        self.body = upsampling(latent_dim + classes, tuple(shape), width)
        init_normal(self)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        joined = with_labels(latents, condition, self.classes)
        return self.body(joined[(..., *[None] * self.dimensions)])


class ConvDiscriminator(Discriminator):
    """The discriminator of arXiv:1511.06434: images or voxels [N, *shape] to logits [N].

    Args:
        classes: of which one is shown beside each sample; 0: none.
        norm: batch normalisation.
        projection: how the class is shown: its embedding times the features of the sample is added to the logit
            (arXiv:1802.05637, equation 10), not as constant maps beside the sample.
    """

    def __init__(
        self, width: int, shape: Sequence[int], classes: int = 0, norm: bool = True, projection: bool = False
    ) -> None:
        super().__init__(classes)
        maps = 0 if projection else classes
        self.body = downsampling(shape[0] + maps, square_side(tuple(shape)), width, norm, len(shape) - 1)
        self.independent = not norm  # batch normalisation looks from one sample to another
        self.embedding: nn.Linear | None = None
        if projection and classes:
            self.heads = (f"body.{len(self.body) - 1}",)
            self.embedding = nn.Linear(classes, without_last(self.body)[1], bias=False)
        init_normal(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        if self.embedding is None:
            return self.body(with_labels(samples, condition, self.classes)).flatten()
        maps = self.body[:-1](samples)
        features = maps.flatten(1)
        codes = with_labels(features[:, :0], condition, self.classes)
        return self.body[-1](maps).flatten() + (features * self.embedding(codes)).sum(1)


class ConvEncoder(Encoder):
    """DCGAN's discriminator with a last layer of ``outputs`` numbers: images [N, *shape] to latents [N, latent_dim].

    Args:
        outputs: numbers of the last layer; 0: as many as a latent has.
        norm: batch normalisation, as in D.
    """

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], outputs: int = 0, norm: bool = True) -> None:
        super().__init__(latent_dim)
        self.body = encoding(outputs or latent_dim, width, shape, norm)
        init_normal(self)

    def forward(self, samples: Tensor) -> Tensor:
        return self.body(samples)


class MLPGenerator(Generator):
    """Fully connected: latents [N, latent_dim] to samples [N, *shape]; images end in tanh, others are unbounded.

    Args:
        hidden: units of the hidden layers.
        norm: batch normalisation from the second layer on.
    """

    mixes_classes = True  # one-hot codes can be mixed

    def __init__(
        self, latent_dim: int, hidden: Sequence[int], shape: Sequence[int], classes: int = 0, norm: bool = True
    ) -> None:
        super().__init__(latent_dim, classes)
        self.shape = tuple(shape)
        self.body = mlp([latent_dim + classes, *hidden], norm)
        self.head = nn.Linear(hidden[-1], prod(shape))
        self.squash: nn.Module = nn.Tanh() if len(shape) == 3 else nn.Identity()

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        hidden = self.body(with_labels(latents, condition, self.classes))
        return self.squash(self.head(hidden)).view(-1, *self.shape)


class MLPDiscriminator(Discriminator):
    """Fully connected: samples [N, *shape] to logits [N].

    Args:
        hidden: units of the hidden layers.
        dropout: share of the last hidden units left out in a step; keeps it from memorising the training set.
    """

    independent = True

    def __init__(self, hidden: Sequence[int], shape: Sequence[int], classes: int = 0, dropout: float = 0.0) -> None:
        super().__init__(classes)
        self.body = mlp([prod(shape) + classes, *hidden], norm=False)
        self.dropout: nn.Module = Dropout(dropout) if dropout else nn.Identity()
        self.head = nn.Linear(hidden[-1], 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        joined = with_labels(samples.flatten(1), condition, self.classes)
        return self.head(self.dropout(self.body(joined))).squeeze(1)


def encoding(outputs: int, width: int, shape: Sequence[int], norm: bool = True) -> nn.Sequential:
    """DCGAN's strided convolutions with a last layer of ``outputs`` numbers: images [N, *shape] to [N, outputs]."""
    trunk, features = without_last(downsampling(shape[0], square_side(tuple(shape)), width, norm))
    return nn.Sequential(*trunk, nn.Linear(features, outputs))


def without_last(body: nn.Sequential) -> tuple[nn.Sequential, int]:
    """DCGAN's strided convolutions without the last layer, to features [N, F]; and F. The layers are the same ones."""
    *layers, last = body
    assert isinstance(last, nn.Conv2d | nn.Conv3d), "DCGAN's last layer"
    return nn.Sequential(*layers, nn.Flatten()), last.weight[0].numel()


def with_labels(values: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    """Values with labels appended one-hot; values as they are when there are no classes.

    Raises:
        UsageError: there are classes and no labels.
    """
    if not classes:
        return values
    if labels is None:
        raise UsageError("a conditional network needs labels: give one class for each sample.")
    return append_one_hot(values, torch.as_tensor(labels), classes)
