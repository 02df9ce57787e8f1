"""Who changes the buffers of a network."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.testing.common import require

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
VECTORS = ("_u", "_v")
"""Of spectral normalisation, how the names of its buffers end."""


@dataclass
class Held:
    """A buffer: what it was, and whose it is."""

    name: str
    module: nn.Module
    key: str
    networks: set[str]
    before: Tensor
    strange: bool = False

    @property
    def now(self) -> Tensor:
        """Its value."""
        found = self.module._buffers[self.key]
        assert found is not None, "only tensors are held"
        return found

    def changed(self) -> bool:
        """Whether it differs from what it was."""
        return self.now.shape != self.before.shape or not torch.equal(self.now, self.before)

    def refresh(self) -> None:
        """Take it as it is."""
        if self.changed():
            self.before = self.now.detach().clone()


class Buffers:
    """Buffers of floating-point numbers, and whether they change outside the forward pass of their module.

    Plain practice changes some in the update of another player: a discriminator in training mode takes statistics of
    what it is shown, whoever shows it, and a generator may remember the mean of its styles. So a change in the forward
    pass of the module itself is allowed, and so are running statistics and the vectors of spectral normalisation,
    whatever implements them. Any other change is the player's own business.
    """

    def __init__(self, variant: Variant, state: State) -> None:
        self.players = variant.players()
        self._held: dict[int, Held] = {}
        for name, network in state.networks.items():
            for path, module in network.named_modules():
                for key, buffer in module._buffers.items():
                    if buffer is None or not buffer.is_floating_point() or is_free(module, key):
                        continue
                    held = Held(f"{path}.{key}".lstrip("."), module, key, set(), buffer.detach().clone())
                    self._held.setdefault(id(buffer), held).networks.add(name)
        modules = {id(held.module): held.module for held in self._held.values()}
        for module in modules.values():
            module.register_forward_pre_hook(self._entered)
            module.register_forward_hook(self._left)

    def _entered(self, module: nn.Module, inputs: Any) -> None:
        for held in self._held.values():
            if held.module is module and held.changed():
                held.strange = True
                held.refresh()

    def _left(self, module: nn.Module, inputs: Any, output: Any) -> None:
        for held in self._held.values():
            if held.module is module:
                held.refresh()

    def refresh(self) -> None:
        """Take all as they are."""
        for held in self._held.values():
            held.strange = False
            held.refresh()

    def check(self, where: str, players: set[str]) -> None:
        """After a step of these players: no other player's buffers have changed."""
        own = {network for player in players for network in self.players[player]}
        for held in self._held.values():
            strange = held.strange or held.changed()
            said = " and ".join(repr(player) for player in sorted(players))
            require(
                not strange or bool(held.networks & own),
                f"{where} leaves buffers of other players alone; it changes {held.name!r} of network "
                f"{sorted(held.networks)[0]!r}, which is not of {said}, outside that network's forward pass",
            )
        self.refresh()


def is_free(module: nn.Module, key: str) -> bool:
    """Whether a buffer is one of running statistics, or a vector of spectral normalisation."""
    spectral = type(module).__name__ == "_SpectralNorm" or f"{key[:-2]}_orig" in module._parameters
    return (isinstance(module, _NormBase) and key in STATISTICS) or (spectral and key.endswith(VECTORS))
