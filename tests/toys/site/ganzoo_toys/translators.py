"""Convolutional networks that turn images into images, and a discriminator of patches."""

import torch
from torch import Tensor, nn

from ganzoo.plugin import Discriminator, Translator


class Painter(Translator):
    """Images [N, C, H, W] to images [N, C', H, W]; it sees 8 pixels far, and works on sides that are even."""

    reach = 8

    def __init__(self, inputs: int, outputs: int, input: str, output: str, width: int = 8) -> None:
        super().__init__(multiple=2, input=input, output=output)
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(width, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, outputs, 3, 1, 1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(images)


class Patches(Discriminator):
    """Images, beside others where it is shown some, to a map of logits [N, 1, H / 4, W / 4]."""

    patch = True
    independent = True

    def __init__(self, channels: int, condition: str = "", width: int = 8) -> None:
        super().__init__(condition=condition)
        self.body = nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 1, 4, 2, 1))

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(samples if condition is None else torch.cat([samples, condition], 1))
