"""Networks of WaveGAN: DCGAN's in one dimension, with kernels of 25 samples and strides of 4."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataError, Discriminator, Generator, UsageError
from ganzoo_zoo.networks import with_labels

FIRST, STRIDE, KERNEL = 16, 4, 25
"""Samples of the shortest map, how much longer each next one is, and length of the kernels: tables 3 and 4."""
SLOPE = 0.2


def layers_for(length: int) -> int:
    """Layers between the shortest map and a wave of ``length`` samples.

    Raises:
        DataError: it is not 16 times a power of four.
    """
    layers, found = 1, FIRST * STRIDE
    while found < length:
        layers, found = layers + 1, found * STRIDE
    if found != length:
        raise DataError(
            f"waves of {length:,} samples: these networks draw 64, 256, 1,024, 4,096, 16,384 or 65,536 samples; "
            f"say one of them with -o length={found if found <= 65_536 else 65_536}."
        )
    return layers


def maps_of(width: int, layers: int) -> list[int]:
    """Numbers of feature maps, from those of the shortest map on."""
    return [width * 2 ** (layers - 1 - i) for i in range(layers)]


def init(network: nn.Module) -> None:
    """Weights as the authors' framework draws them by default: Glorot's uniform ones, and no bias."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


# Waves are taken as images that are one pixel high: torch computes these, channels last, half as fast again on a CPU.


class WaveGenerator(Generator):
    """Latents [N, latent_dim] to waves [N, C, L] in [-1, 1]: table 3.

    Args:
        width: feature maps of the longest hidden map; doubled at each shorter one.
        post_filter: length of a last filter, which is learned; 0: none.
    """

    mixes_classes = True  # one-hot codes can be mixed

    def __init__(
        self, latent_dim: int, width: int, shape: Sequence[int], classes: int = 0, post_filter: int = 0
    ) -> None:
        super().__init__(latent_dim, classes)
        channels, length = shape
        maps = maps_of(width, layers_for(length))
        self.first = nn.Linear(latent_dim + classes, FIRST * maps[0])
        body: list[nn.Module] = []
        for fan_in, fan_out in pairwise([*maps, channels]):
            body += [nn.ReLU(), nn.ConvTranspose2d(
                fan_in, fan_out, (1, KERNEL), (1, STRIDE), (0, KERNEL // 2 - 1), output_padding=(0, 1)
            )]  # fmt: skip
        self.body = nn.Sequential(*body)
        self.post: nn.Module = nn.Identity()
        if post_filter:
            left = (post_filter - 1) // 2
            ends = nn.ZeroPad2d((left, post_filter - 1 - left, 0, 0))
            self.post = nn.Sequential(ends, nn.Conv2d(channels, channels, (1, post_filter)))
        init(self)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        # The authors' latents are uniform. Normal ones are made so here: walks and arithmetic go on to mean the same.
        uniform = torch.erf(latents * 0.5**0.5)
        hidden = self.first(with_labels(uniform, condition, self.classes))
        return self.post(self.body(hidden.unflatten(1, (-1, 1, FIRST)))).tanh().squeeze(2)


class PhaseShuffle(nn.Module):
    """Moves each map [N, F, 1, L] by up to ``reach`` samples, at random for each sound, and fills by reflection:
    section 3.3. Else D could tell sounds by where a period begins, which the kernels' strides leave marks in.

    Shifts are tensors, so that a captured graph draws new ones each time it is repeated. In evaluation nothing moves.
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, maps: Tensor) -> Tensor:
        if not self.training or not self.reach:
            return maps
        return moved(maps, torch.randint(-self.reach, self.reach + 1, (len(maps), 1), device=maps.device))


def moved(maps: Tensor, shifts: Tensor) -> Tensor:
    """Maps [N, F, 1, L], each later by its shift [N, 1], whole numbers; the ends are filled by reflection."""
    last = maps.shape[3] - 1
    place = (torch.arange(last + 1, device=maps.device) - shifts).abs()
    place = torch.minimum(place, 2 * last - place)
    return maps.gather(3, place[:, None, None].expand_as(maps))


class WaveDiscriminator(Discriminator):
    """Waves [N, C, L] to logits [N]: table 4. A class is judged by a product with the last features.

    Args:
        phase_shuffle: samples that maps are moved by, at most.
    """

    independent = True

    def __init__(self, width: int, shape: Sequence[int], classes: int = 0, phase_shuffle: int = 2) -> None:
        super().__init__(classes)
        channels, length = shape
        maps = maps_of(width, layers_for(length))[::-1]
        body: list[nn.Module] = []
        for layer, (fan_in, fan_out) in enumerate(pairwise([channels, *maps]), 1):
            body += [
                nn.Conv2d(fan_in, fan_out, (1, KERNEL), (1, STRIDE), (0, KERNEL // 2 - 1)), nn.LeakyReLU(SLOPE)
            ]  # fmt: skip
            body += [PhaseShuffle(phase_shuffle)] if layer < len(maps) else []
        self.body = nn.Sequential(*body, nn.Flatten())
        self.head = nn.Linear(FIRST * maps[-1], 1)
        init(self)
        if classes:
            self.of_class = nn.Embedding(classes, FIRST * maps[-1])
            nn.init.normal_(self.of_class.weight, std=(FIRST * maps[-1]) ** -0.5)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        features = self.body(samples.unsqueeze(2))
        logits = self.head(features).squeeze(1)
        if not self.classes:
            return logits
        if condition is None:
            raise UsageError("a conditional network needs labels: give one class for each sample.")
        return logits + (self.of_class(condition) * features).sum(1)
