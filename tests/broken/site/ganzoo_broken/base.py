"""What is sound: a conditional GAN, and a translator."""

from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.plugin import GAN, Discriminator, Generator, Translator, mlp

LATENT, WIDTH, SIDE = 4, 8, 8


def one_hot(labels: Tensor, classes: int) -> Tensor:
    return nn.functional.one_hot(labels, classes).float()


class Draw(Generator):
    """Latents and a class to images."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(LATENT, classes)
        self.shape = tuple(shape)
        self.body = mlp([LATENT + classes, WIDTH], norm=False)
        self.head = nn.Linear(WIDTH, prod(shape))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        assert condition is not None
        hidden = self.body(torch.cat([latents, one_hot(condition, self.classes)], 1))
        return self.squash(self.head(hidden)).unflatten(1, self.shape)

    def squash(self, values: Tensor) -> Tensor:
        return values.tanh()


class Judge(Discriminator):
    """Images and a class to logits."""

    independent = True

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(classes)
        self.body = mlp([prod(shape) + classes, WIDTH], norm=False)
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        assert condition is not None
        return self.head(self.body(torch.cat([samples.flatten(1), one_hot(condition, self.classes)], 1)))[:, 0]


class Sound(GAN):
    """It keeps the contract."""

    generator: ClassVar[type[Any]] = Draw
    judge: ClassVar[type[Any]] = Judge
    defaults = {"loss": "non-saturating", "resolution": SIDE}

    def networks(self) -> dict[str, nn.Module]:
        shape, classes = self.data.shape, len(self.data.classes)
        return {"generator": self.generator(shape, classes), "discriminator": self.judge(shape, classes)}


class Paint(Translator):
    """Images to images of the same size; a pixel sees one pixel far."""

    reach = 1

    def __init__(self, channels: int) -> None:
        super().__init__(output="images")
        self.body = nn.Sequential(nn.Conv2d(channels, WIDTH, 3, padding=1), nn.ReLU(), nn.Conv2d(WIDTH, channels, 1))

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(images).tanh()


class JudgeAlone(Judge):
    """Images to logits."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, 0)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples.flatten(1)))[:, 0]


class SoundPainter(GAN):
    """It keeps the contract too."""

    painter: ClassVar[type[Any]] = Paint
    defaults = {"loss": "non-saturating", "resolution": SIDE}

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.painter(self.data.shape[0]), "discriminator": JudgeAlone(self.data.shape)}
