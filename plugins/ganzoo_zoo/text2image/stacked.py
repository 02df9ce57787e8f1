"""Networks of StackGAN, arXiv:1612.03242: a small picture of a text, and a large one of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, layer_norm

from ganzoo.plugin import UpsampledConv2d, init_normal, option, upsampling
from ganzoo_zoo.texts import TextGenerator, Texts


@dataclass(frozen=True, kw_only=True)
class StackedTexts(Texts):
    """Settings of sampling."""

    stage: Literal[1, 2] = option(2, "1: the small picture of the first stage, enlarged; 2: the large one")


class Augmentation(nn.Module):
    """Conditioning augmentation, section 3.2: embeddings [N, E] to a Gaussian each, and a sample of it [N, length].

    Embeddings are brought to variance 1 first: beside noise of variance 1, with which this begins, those of a small
    encoder are too faint, and pictures of one text get the colours of several.
    """

    def __init__(self, embedding: int, length: int) -> None:
        super().__init__()
        self.layer = nn.Linear(embedding, 2 * length)

    def forward(self, embeddings: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(samples, mean + deviation * noise; the Kullback-Leibler divergence from a standard normal, 0-d).

        The divergence is the mean over samples and numbers.

        Args:
            noise: [N, length], of a standard normal.
        """
        plain = layer_norm(embeddings, embeddings.shape[1:])
        mean, log_variance = self.layer(plain).float().chunk(2, 1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return mean + (0.5 * log_variance).exp() * noise, divergence


class FirstStage(nn.Module):
    """The generator of the first stage: small images of a text, by DCGAN's layers."""

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], embedding: int, length: int) -> None:
        super().__init__()
        self.augment = Augmentation(embedding, length)
        self.body = upsampling(latent_dim + length, tuple(shape), width)
        init_normal(self.body)

    def forward(self, latents: Tensor, noise: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """(images [N, *shape] in [-1, 1], divergence 0-d)."""
        told, divergence = self.augment(embeddings, noise)
        return self.body(torch.cat([latents, told], 1)[:, :, None, None]), divergence


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(*block(maps, maps), nn.Conv2d(maps, maps, 3, 1, 1, bias=False), nn.BatchNorm2d(maps))

    def forward(self, maps: Tensor) -> Tensor:
        return (maps + self.inner(maps)).relu()


def block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """A convolution, batch normalisation, ReLU."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class SecondStage(nn.Module):
    """The generator of the second stage: small images and a text to large images, section 3.4.

    Args:
        shape: of the large images.
        scale: how many times as large they are, 2 or 4.
        blocks: residual blocks.
    """

    def __init__(self, width: int, shape: Sequence[int], scale: int, embedding: int, length: int, blocks: int) -> None:
        super().__init__()
        self.augment = Augmentation(embedding, length)
        most = 4 * width
        self.look = nn.Sequential(
            nn.Conv2d(shape[0], width, 3, 1, 1), nn.ReLU(inplace=True), *block(width, 2 * width, 4, 2)
        )
        self.join = nn.Sequential(*block(2 * width + length, most), *(Residual(most) for _ in range(blocks)))
        layers: list[nn.Module] = []
        for _ in range(scale.bit_length()):  # once more than the scale asks for: look() has halved the sides
            layers += [UpsampledConv2d(most, most // 2, bias=False), nn.BatchNorm2d(most // 2), nn.ReLU(inplace=True)]
            most //= 2
        self.draw = nn.Sequential(*layers, nn.Conv2d(most, shape[0], 3, 1, 1), nn.Tanh())
        for part in (self.look, self.join, self.draw):
            init_normal(part)

    def forward(self, small: Tensor, noise: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """(images [N, *shape] in [-1, 1], divergence 0-d)."""
        told, divergence = self.augment(embeddings, noise)
        seen = self.look(small)
        beside = told[:, :, None, None].expand(-1, -1, *seen.shape[2:])
        return self.draw(self.join(torch.cat([seen, beside.to(seen.dtype)], 1))), divergence


class StackedGenerator(TextGenerator):
    """Both stages. A latent holds the noise of the first picture and of both augmentations, one after the other.

    Until the second stage begins to learn, its samples are those of the first, enlarged.

    Args:
        first, second: the stages.
        lengths: of the noise of a picture, and of an augmentation.
    """

    Sampling = StackedTexts
    reached: Tensor

    def __init__(
        self, first: FirstStage, second: SecondStage, lengths: tuple[int, int], shape: Sequence[int],
        encoder: nn.Module, length: int, words: tuple[str, ...],
    ) -> None:  # fmt: skip
        latent, noise = lengths
        super().__init__(latent + 2 * noise, encoder, length, words)
        self.first, self.second, self.lengths, self.shape = first, second, (latent, noise, noise), tuple(shape)
        self.register_buffer("reached", torch.tensor(1))

    def small(self, latents: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """What the first stage gives."""
        noise, told, _ = latents.split(self.lengths, 1)
        return self.first(noise, told, embeddings)

    def large(self, latents: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """What the second stage gives; the first one stands still."""
        training = self.first.training
        self.first.eval()  # its running statistics stand still too
        with torch.no_grad():
            small, _ = self.small(latents, embeddings)
        self.first.train(training)
        return self.second(small, latents.split(self.lengths, 1)[2], embeddings)

    def drawn(self, latents: Tensor, embeddings: Tensor, stage: int = 2) -> Tensor:
        if stage == 1 or int(self.reached) == 1:
            return interpolate(self.small(latents, embeddings)[0], self.shape[1:], mode="nearest")
        return self.large(latents, embeddings)[0]

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Any) -> Tensor:
        if sampling.stage == 2 or condition is None:
            return super().generate(latents, condition, sampling)
        return self.drawn(self.along_rows(latents, sampling), self.told.embed(condition), sampling.stage)
