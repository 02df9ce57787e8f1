"""Networks that break the contract."""

import torch
from torch import Tensor, nn

from ganzoo_broken.base import LATENT, WIDTH, Draw, Judge, Sound, mlp


class Deaf(Draw):
    """It ignores its labels."""

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().forward(latents, torch.zeros_like(condition))


class IgnoredLabels(Sound):
    """A generator that ignores its labels."""

    generator = Deaf


class DeafJudge(Judge):
    """It ignores its labels."""

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().forward(samples, 0 * condition)


class IgnoredCondition(Sound):
    """A discriminator that ignores its labels."""

    judge = DeafJudge


class Unit(Draw):
    """It ends in a sigmoid."""

    def squash(self, values: Tensor) -> Tensor:
        return values.sigmoid()


class UnitRange(Sound):
    """Images in [0, 1]."""

    generator = Unit


class Wide(Draw):
    """It ends in twice a tanh, which is small at the start."""

    def squash(self, values: Tensor) -> Tensor:
        return 2 * values.tanh()


class WideRange(Sound):
    """Images in [-2, 2]."""

    generator = Wide


class Listed(Draw):
    """A layer in a list."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.more = [nn.Linear(WIDTH, WIDTH)]
        self.body = mlp([LATENT + classes, WIDTH], norm=False)


class HiddenList(Sound):
    """Weights in a list."""

    generator = Listed


class HiddenAttribute(Sound):
    """Weights of the variant."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.extra = {"scale": nn.Parameter(torch.ones(1))}


class Unused(Judge):
    """A layer that is never called."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.spare = nn.Linear(WIDTH, WIDTH)


class UnusedLayer(Sound):
    """A layer that never moves."""

    judge = Unused


class Zero(Draw):
    """A layer whose result counts for nothing."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.spare = nn.Linear(LATENT, 1)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().forward(latents + 0 * self.spare(latents), condition)


class ZeroGradient(Sound):
    """A layer whose gradient is zero."""

    generator = Zero


class Loose(Judge):
    """A constant that is no buffer."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.mean = torch.zeros(shape)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return super().forward(samples - self.mean, condition)


class LooseTensor(Sound):
    """A tensor that stays behind when its network moves."""

    judge = Loose


class Host(Draw):
    """Latents of the CPU."""

    def latents(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        return torch.randn(n, LATENT, generator=rng)


class HostLatents(Sound):
    """Latents that lie on the CPU."""

    generator = Host
