"""Variants that raise errors of their own."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ganzoo.plugin import Batch, ConfigError, Dataset, Load, Losses, State
from ganzoo_broken.base import Draw, Sound


class RaisesInLoss(Sound):
    """A field that the batch lacks."""

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        return {"total": batch["sketch"].mean()}


class RaisesInInit(Sound):
    """An attribute that settings lack."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.depth = self.options.depth


class RaisesInNetworks(Sound):
    """A division by zero."""

    def networks(self) -> dict[str, nn.Module]:
        raise ZeroDivisionError("no layers")


class Silent(Draw):
    """It cannot be sampled."""

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Any) -> Tensor:
        raise KeyError("style")


class RaisesInSample(Sound):
    """A generator that cannot be sampled."""

    generator = Silent


class WrongSettings(Sound):
    """It refuses the settings."""

    def prepare(self, dataset: Dataset, load: Load) -> None:
        raise ConfigError("width = 3 is odd.")
