"""Exports that break the contract."""

import torch
from torch import Tensor, nn

from ganzoo.plugin import State, Trainer
from ganzoo_broken.base import Paint, Sound, SoundPainter


class RawExport(Sound):
    """It exports the last weights instead of their average."""

    def trained(self, state: State, role: str) -> nn.Module:
        return state.networks[self.exports()[role]]


class Still(Trainer):
    """It forgets the average."""

    def average(self, weight: float | None = None) -> None:
        pass


class StillAverage(Sound):
    """An average that stays as it was."""

    trainer = Still


class Near(Paint):
    """It says that it sees nothing but the pixel itself."""

    reach = 0


class ShortReach(SoundPainter):
    """A reach that is too small."""

    painter = Near


class Double(Paint):
    """It says that it enlarges nothing."""

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        made = nn.functional.interpolate(super().forward(images), scale_factor=2)
        return made[..., : images.shape[2], : images.shape[3]] if self.training else made


class WrongScale(SoundPainter):
    """A scale that is not so."""

    painter = Double


class Loud(Paint):
    """It ends in three times a tanh."""

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return 3 * self.body(images).tanh()


class WideTranslator(SoundPainter):
    """Values outside [-1, 1]."""

    painter = Loud


class Sigmoid(Paint):
    """It ends in a sigmoid."""

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return torch.sigmoid(self.body(images))


class UnitTranslator(SoundPainter):
    """Values in [0, 1]."""

    painter = Sigmoid
