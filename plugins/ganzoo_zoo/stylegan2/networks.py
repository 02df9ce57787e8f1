"""Generator and discriminator of arXiv:1912.04958, figure 7: skip connections in G, residual ones in D.

For square images of any size from 8 pixels on: a map of an odd side is cut from one a pixel larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from ganzoo.plugin import Discriminator, Generator, Options, UsageError, append_one_hot, option, pyramid, square_side
from ganzoo_zoo.equalised import EqualConv2d, EqualLinear, activated, maps_of, with_spread
from ganzoo_zoo.stylegan2.layers import Blur, Enlarged, ModulatedConv, Styled


class Mapping(nn.Module):
    """Latents [N, latent_dim], and a class, to intermediate latents w [N, style].

    ``mean`` follows the mean of w in training; truncation goes towards it.
    """

    mean: Tensor

    def __init__(self, latent_dim: int, style: int, layers: int, classes: int) -> None:
        super().__init__()
        self.code = EqualLinear(classes, style) if classes else None
        sizes = [latent_dim + (style if classes else 0), *[style] * layers]
        self.layers = nn.ModuleList(EqualLinear(a, b, rate=0.01) for a, b in pairwise(sizes))
        self.register_buffer("mean", torch.zeros(style))

    def forward(self, latents: Tensor, codes: Tensor | None) -> Tensor:
        found = normalized(latents)
        if self.code is not None:
            assert codes is not None, "the generator says that labels are missing"
            found = torch.cat([found, normalized(self.code(codes))], 1)
        for layer in self.layers:
            found = activated(layer(found))
        if self.training:
            with torch.no_grad():
                self.mean.lerp_(found.float().mean(0), 0.005)
        return found


def normalized(values: Tensor) -> Tensor:
    """Vectors [N, D] with mean square 1."""
    return normalize(values) * values.shape[1] ** 0.5


@dataclass(frozen=True, kw_only=True)
class Truncation(Options):
    """Settings of sampling."""

    psi: float = option(1.0, "how far from the mean picture: less is more alike and cleaner", at_least=0, at_most=2)


class StyleGenerator(Generator):
    """Latents [N, latent_dim] to images [N, *shape], cut off at the ends of [-1, 1] after training."""

    Sampling = Truncation
    mixes_classes = True

    def __init__(
        self, latent_dim: int, style: int, width: int, shape: Sequence[int], classes: int, layers: int, mixing: float
    ) -> None:
        super().__init__(latent_dim, classes)
        sides = pyramid(square_side(tuple(shape)))
        maps, self.mixing = maps_of(width, len(sides)), mixing
        self.mapping = Mapping(latent_dim, style, layers, classes)
        self.constant = nn.Parameter(torch.randn(1, maps[0], sides[0], sides[0]))
        self.first = Styled(maps[0], maps[0], sides[0], style, up=False)
        self.to_image = nn.ModuleList(ModulatedConv(m, shape[0], 1, style, demodulate=False) for m in maps)
        self.up, self.conv, self.enlarged = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for (a, b), side in zip(pairwise(maps), sides[1:], strict=True):
            self.up.append(Styled(a, b, side, style, up=True))
            self.conv.append(Styled(b, b, side, style, up=False))
            self.enlarged.append(Enlarged(side))
        self.bias = nn.Parameter(torch.zeros(shape[0], 1, 1))
        self.count = 2 * len(sides)
        """Places where w enters; the last one is that of the last image."""

    def styles(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """w for every place, [N, places, style]; in training some change to those of another latent on the way."""
        codes = None
        if self.classes:
            if condition is None:
                raise UsageError("a conditional network needs labels: give one class for each sample.")
            codes = append_one_hot(latents[:, :0], condition, self.classes).to(latents.dtype)
        found = self.mapping(latents, codes)[:, None].expand(-1, self.count, -1)
        if not (self.training and self.mixing):
            return found
        n, device = len(latents), latents.device
        other = self.mapping(torch.randn_like(latents), codes)[:, None]
        change = torch.randint(1, self.count, (n, 1, 1), device=device)
        mixed = torch.rand(n, 1, 1, device=device) < self.mixing
        later = torch.arange(self.count, device=device)[:, None] >= change
        return torch.where(mixed & later, other, found)

    def draw(self, styles: Tensor) -> Tensor:
        """Images of styles [N, places, style]."""
        maps = self.first(self.constant.expand(styles.shape[0], -1, -1, -1), styles[:, 0])
        images = self.to_image[0](maps, styles[:, 1])
        for level, (up, conv, enlarged) in enumerate(zip(self.up, self.conv, self.enlarged, strict=True)):
            maps = conv(up(maps, styles[:, 2 * level + 1]), styles[:, 2 * level + 2])
            images = enlarged(images) + self.to_image[level + 1](maps, styles[:, 2 * level + 3])
        images = images + self.bias
        return images if self.training else images.clamp(-1, 1)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.draw(self.styles(latents, condition))

    def paths(self, latents: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """From w at every place: the mapping may bend as it likes."""
        styles = self.styles(latents, condition)
        return styles, self.draw(styles)

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Truncation) -> Tensor:
        styles = self.styles(latents, condition)
        return self.draw(torch.lerp(self.mapping.mean.expand_as(styles), styles, sampling.psi))


class DownBlock(nn.Module):
    """Half as large: two convolutions, beside one of 1x1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = EqualConv2d(inputs, inputs, 3), EqualConv2d(inputs, outputs, 3)
        self.skip = EqualConv2d(inputs, outputs, 1, bias=False)
        self.blur, self.halved = Blur(padding=2), Blur(padding=1, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        if maps.shape[2] % 2:
            maps = pad(maps, (0, 1, 0, 1), mode="replicate")
        inner = self.blur(activated(self.first(maps)))
        weight, bias = self.second.weight * self.second.scale, self.second.bias
        inner = activated(nn.functional.conv2d(inner, weight, bias, stride=2))
        return (inner + self.skip(self.halved(maps))) / 2**0.5


class StyleDiscriminator(Discriminator):
    """Images [N, *shape] to logits [N]."""

    def __init__(self, width: int, shape: Sequence[int], classes: int, style: int) -> None:
        super().__init__(classes)
        sides = pyramid(square_side(tuple(shape)))
        maps = maps_of(width, len(sides))
        self.from_image = EqualConv2d(shape[0], maps[-1], 1)
        self.blocks = nn.Sequential(*(DownBlock(b, a) for a, b in reversed(list(pairwise(maps)))))
        self.conv = EqualConv2d(maps[0] + 1, maps[0], 3)
        self.dense = EqualLinear(maps[0] * sides[0] ** 2, maps[0])
        self.head = EqualLinear(maps[0], style if classes else 1)
        self.code = EqualLinear(classes, style) if classes else None

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        maps = self.blocks(activated(self.from_image(samples)))
        maps = activated(self.conv(with_spread(maps)))
        found: Tensor = self.head(activated(self.dense(maps.flatten(1))))
        if self.code is None:
            return found[:, 0]
        if condition is None:
            raise UsageError("a conditional network needs labels: give one class for each sample.")
        codes = append_one_hot(found[:, :0], condition, self.classes).to(found.dtype)
        return (found * normalized(self.code(codes))).sum(1) / found.shape[1] ** 0.5
