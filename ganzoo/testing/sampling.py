"""Sampling, where the training runs."""

import torch

from ganzoo.config.fields import build
from ganzoo.models.conditions import ImageCondition
from ganzoo.models.interfaces import Generator
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.testing.common import own_errors
from ganzoo.testing.devices import Devices


@torch.no_grad()
def check_sampling(variant: Variant, state: State, devices: Devices) -> None:
    """Latents and samples of every exported generator lie where the generator does."""
    for role, name in variant.exports().items():
        network = state.networks[name]
        if not isinstance(network, Generator) or isinstance(network.condition, ImageCondition):
            continue
        where = f"sampling of role {role!r}"
        network.eval()
        with own_errors(where):
            chosen, rng = build(network.Sampling, {}), torch.Generator().manual_seed(0)
            condition = network.conditions(4, None, chosen, rng)
            with devices.watching(where):
                for latents in (network.latents(4, rng), network.latents(4)):
                    devices.require_here(latents, "latents()")
                devices.require_here(network.generate(latents, condition, chosen), "generate()")
        network.train()
