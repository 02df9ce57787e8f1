"""What a network can do at all, whatever its weights are: shown by changing them."""

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)

NOISE = (0.0, 0.05, 0.5)
"""How far weights are moved to see what a network depends on."""
FACTORS = (1.0, -1.0, 30.0, -30.0)
"""What weights are multiplied with to see the range of a network: large ones drive it to its bounds."""
LARGEST = 10.0
"""A network that gives more than this has no bounds, or is far from those of images in any case."""


@torch.no_grad()
def depends(network: nn.Module, one: Callable[[Any], Tensor], other: Callable[[Any], Tensor]) -> bool:
    """Whether two uses of a network can differ.

    An embedding may begin at zero, so the weights are moved too: what is not used makes no difference whatever they
    are.
    """
    for noise in NOISE:
        moved = varied(network, partial(shifted, noise))
        if not torch.equal(repeatable(moved, one), repeatable(moved, other)):
            return True
    return False


def shifted(noise: float, parameter: Tensor) -> Tensor:
    """A parameter with noise of this standard deviation."""
    return parameter + noise * torch.randn_like(parameter)


def repeatable(network: nn.Module, use: Callable[[Any], Tensor]) -> Tensor:
    """A use of a network with the same random numbers each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return use(network)


@torch.no_grad()
def varied(network: N, change: Callable[[Tensor], Tensor]) -> N:
    """A copy in eval mode whose parameters are changed; the same change each time."""
    copied = copy.deepcopy(network).eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for parameter in copied.parameters():
            if parameter.is_floating_point():
                parameter.copy_(change(parameter))
    return copied


def ranges(network: nn.Module, use: Callable[[Any], Tensor]) -> Iterator[tuple[float, float]]:
    """(smallest, largest) value of what a network gives, with its own weights and with others; only finite ones."""
    for factor in FACTORS:
        with torch.no_grad():
            found = repeatable(varied(network, partial(torch.mul, other=factor)), use)
        if bool(found.isfinite().all()):
            yield float(found.min()), float(found.max())


def wrong_range(network: nn.Module, use: Callable[[Any], Tensor]) -> str:
    """What is wrong with the range of a network of images; empty: nothing.

    A range of [0, 1] shows where no weights give a negative value. A bound other than 1 shows where larger weights
    drive the network to it; a network without bounds is left alone.
    """
    found = list(ranges(network, use))
    if not found:
        return ""
    lowest, highest = min(low for low, _ in found), max(high for _, high in found)
    if lowest >= 0:
        return f"its values are never negative ({lowest:.3g} to {highest:.3g}): images are in [-1, 1], not in [0, 1]"
    if len(found) < len(FACTORS):
        return ""
    reached = max(abs(lowest), abs(highest))
    return f"its values reach {reached:.3g}" if 1.01 < reached < LARGEST else ""
