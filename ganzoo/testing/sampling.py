"""What an exported network gives while it is still in training: before pictures are drawn of it."""

import torch
from torch.nn.functional import one_hot

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
            if network.classes and network.mixes_classes:
                check_mixing(network, role)
        network.train()


def check_mixing(network: Generator, role: str) -> None:
    """A whole share of a class is that class, for a generator that says it takes shares."""
    chosen, labels = build(network.Sampling, {}), torch.arange(4) % network.classes
    latents = network.latents(4, torch.Generator().manual_seed(0))
    found = []
    for condition in (labels, one_hot(labels, network.classes).float()):
        with torch.random.fork_rng():  # a network may add noise of its own
            torch.manual_seed(0)
            found.append(network.generate(latents, condition.to(latents.device), chosen))
    said = "a whole share of a class must give what its number gives"
    require(torch.allclose(found[0], found[1], atol=1e-4), f"{role!r} says mixes_classes = True: {said}")


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
