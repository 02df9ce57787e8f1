"""Autoencoders as discriminators, and the generator that is the same as their decoder."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.plugin import Discriminator, Generator, square_side
from ganzoo_zoo.patches import sides_of, whole_patches

Distance = Literal["l1", "l2"]


def init_scaled(network: nn.Module) -> None:
    """Weights of the layers that keep variances about equal (Glorot's, which the authors' framework draws by itself).

    With PyTorch's own, a third of the variance is left after each layer: the code of an image would be all but
    constant, and both networks stay with one grey or black picture.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class Decoder(nn.Module):
    """Codes [N, code] to images [N, *shape]: two 3x3 convolutions at each resolution, with nearest enlargement between
    them: arXiv:1703.10717, figure 1. Nothing holds the images within [-1, 1]: where most pixels are black, tanh would
    lose its slope there, and everything would stay black.

    Args:
        stem: side, in pixels, of the patches that the last maps are put together from; 1: those maps have the image's
            resolution.
    """

    def __init__(self, code: int, width: int, shape: Sequence[int], stem: int = 1) -> None:
        super().__init__()
        self.side = square_side(tuple(shape))
        self.sides = sides_of(self.side, stem)
        self.dense = nn.Linear(code, width * self.sides[0] ** 2)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ELU(), nn.Conv2d(width, width, 3, 1, 1), nn.ELU())
            for _ in self.sides
        )
        if stem == 1:
            self.head: nn.Module = nn.Conv2d(width, shape[0], 3, 1, 1)
        else:  # the last convolution sees across patches, which would show otherwise
            inner = max(8, width // stem**2)
            self.head = nn.Sequential(
                nn.Conv2d(width, inner * stem**2, 3, 1, 1), nn.PixelShuffle(stem), nn.ELU(),
                nn.Conv2d(inner, shape[0], 3, 1, 1),
            )  # fmt: skip

    def forward(self, codes: Tensor) -> Tensor:
        side = self.sides[0]
        maps = self.dense(codes).unflatten(1, (-1, side, side))
        for side, stage in zip(self.sides, self.stages, strict=True):
            if maps.shape[2] != side:
                maps = interpolate(maps, size=(side, side), mode="nearest")
            maps = stage(maps)
        return self.head(maps)[..., : self.side, : self.side]


class Encoder(nn.Module):
    """Images [N, *shape] to codes [N, code]: at each resolution two 3x3 convolutions, of which the second halves it;
    the number of maps grows by ``width`` each time. The first convolution divides it by ``stem``."""

    def __init__(self, code: int, width: int, shape: Sequence[int], stem: int = 1) -> None:
        super().__init__()
        self.stem = stem
        sides = sides_of(square_side(tuple(shape)), stem)
        size, padding = (3, 1) if stem == 1 else (2 * stem, stem // 2)
        layers: list[nn.Module] = [nn.Conv2d(shape[0], width, size, stem, padding), nn.ELU()]
        for level in range(1, len(sides)):
            inputs, outputs = level * width, (level + 1) * width
            layers += [nn.Conv2d(inputs, inputs, 3, 1, 1), nn.ELU(), nn.Conv2d(inputs, outputs, 3, 2, 1), nn.ELU()]
        maps = len(sides) * width
        layers += [nn.Conv2d(maps, maps, 3, 1, 1), nn.ELU(), nn.Flatten(), nn.Linear(maps * sides[0] ** 2, code)]
        self.body = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        return self.body(whole_patches(images, self.stem))


class DecodingGenerator(Generator):
    """Latents [N, latent_dim] to images [N, *shape], cut off at the ends of [-1, 1] after training."""

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int], stem: int = 1) -> None:
        super().__init__(latent_dim)
        self.body = Decoder(latent_dim, width, shape, stem)
        init_scaled(self)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        images: Tensor = self.body(latents)
        return images if self.training else images.clamp(-1, 1)


class AutoEncoder(Discriminator):
    """Images [N, *shape] to logits [N]: minus the distance of an image to what the code brings back.

    Args:
        distance: of an image, the mean over its pixels: absolute as in BEGAN, or squared as in EBGAN.
    """

    independent = True

    def __init__(self, code: int, width: int, shape: Sequence[int], distance: Distance, stem: int = 1) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(code, width, shape, stem), Decoder(code, width, shape, stem)
        self.distance = distance
        init_scaled(self)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return -self.energy(samples, self.encoder(samples))

    def energy(self, samples: Tensor, codes: Tensor) -> Tensor:
        """Distance [N] of samples to what their codes [N, code] bring back."""
        difference = (self.decoder(codes) - samples).flatten(1)
        return (difference.abs() if self.distance == "l1" else difference.square()).mean(1)
