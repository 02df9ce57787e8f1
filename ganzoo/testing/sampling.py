"""What an exported network gives while it is still in training: before pictures are drawn of it."""

import torch

from ganzoo.config.fields import build
from ganzoo.models.conditions import ImageCondition
from ganzoo.models.interfaces import Generator, Translator
from ganzoo.models.state import State
from ganzoo.models.translate import scaled
from ganzoo.models.variant import Variant
from ganzoo.runs.trained import input_channels
from ganzoo.testing.common import own_errors, require
from ganzoo.testing.devices import Devices
from ganzoo.testing.exports import SIDE, whole_side


@torch.no_grad()
def check_sampling(variant: Variant, state: State, devices: Devices) -> None:
    """Latents and samples of every exported generator lie where the generator does; translators have their scale."""
    for role, name in variant.exports().items():
        network = state.networks[name]
        if isinstance(network, Translator):
            with own_errors(f"translating with role {role!r}"):
                check_scale(variant, network, role)
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


def check_scale(variant: Variant, network: Translator, role: str) -> None:
    """The network itself gives its scale, and nothing that would be cut away."""
    side, condition = whole_side(network, SIDE), torch.zeros(1, dtype=torch.int64)
    images = torch.zeros(1, input_channels(network, variant.data), side, side)
    network.eval()
    found = tuple((network(images, condition) if network.classes else network(images)).shape[2:])
    network.train()
    expected = scaled(network, side)
    said = f"{side} pixels become {expected}, not {found[0]}"
    require(found == (expected, expected), f"{role!r} has scale {network.scale}: {said}")
