"""2-D and 1-D toys on which mode collapse can be counted: ``ring``, ``grid`` and ``gaussian1d``.

Ring and grid have the ratios of distance to spread of VEEGAN (arXiv:1705.07761, section 5.1), scaled into [-1, 1].
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.resize import check_request
from ganzoo.data.sampler import derived_seed
from ganzoo.data.specs import own_spec
from ganzoo.errors import UnknownNameError

COUNTS = {"train": 50_000, "test": 10_000}


@dataclass(frozen=True)
class Modes:
    """A mixture of equally likely round Gaussians: ``centres`` float32 [M, D], and the standard deviation of each."""

    centres: Tensor
    std: float


def ring_modes() -> Modes:
    """8 modes on a circle of radius 0.8; the standard deviation is 1/100 of the radius."""
    angle = torch.arange(8) * (2 * math.pi / 8)
    return Modes(0.8 * torch.stack([angle.cos(), angle.sin()], dim=1), 0.008)


def grid_modes() -> Modes:
    """25 modes, 5 x 5, 0.4 apart; the standard deviation is 1/40 of the distance."""
    side = torch.arange(-2, 3) * 0.4
    return Modes(torch.cartesian_prod(side, side), 0.01)


def gaussian1d_modes() -> Modes:
    """One mode at 0.3 with standard deviation 0.15."""
    return Modes(torch.tensor([[0.3]]), 0.15)


MODES = {"ring": ring_modes, "grid": grid_modes, "gaussian1d": gaussian1d_modes}


def modes(name: str) -> Modes:
    """The modes of the toy of that name.

    Raises:
        UnknownNameError: it is not one of the toys.
    """
    if name not in MODES:
        raise UnknownNameError("toy data set", name, MODES)
    return MODES[name]()


def draw(mixture: Modes, count: int, seed: int) -> Tensor:
    """``count`` points of the mixture, float32 [count, D]; modes take turns, so that all are equally frequent."""
    which = torch.arange(count) % len(mixture.centres)
    noise = torch.randn(count, mixture.centres.shape[1], generator=torch.Generator().manual_seed(seed))
    return mixture.centres[which] + mixture.std * noise


def load(request: DataRequest) -> Dataset:
    """A toy, unlabelled: 50,000 points to train on or 10,000 to test with, both drawn from ``request.seed``."""
    check_request(request, own_spec(request.name))
    points = draw(modes(request.name), COUNTS[request.split], derived_seed(request.name, request.split, request.seed))
    info = DataInfo(
        name=request.name,
        kind="points",
        shape=tuple(points.shape[1:]),
        count=len(points),
        split=request.split,
        digest=digest(points),
    )
    return Dataset(info, {"images": points})
