"""The points."""

import math

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, DataRequest, Dataset, derived_seed, digest

COUNTS = {"train": 20_000, "test": 4_000}
TURNS, NOISE = 1.5, 0.01


def arms(t: Tensor) -> Tensor:
    """The places at ``t`` [N], 0 (inside) to 1 (outside), on both arms: [2, N, 2]."""
    angle = TURNS * 2 * math.pi * t
    first = (0.1 + 0.8 * t)[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return torch.stack([first, -first])


def load(request: DataRequest) -> Dataset:
    """A split, the same in every run: its seed follows from its name."""
    count = COUNTS[request.split]
    rng = torch.Generator().manual_seed(derived_seed(request.name, request.split, request.seed))
    places = arms(torch.rand(count, generator=rng))
    points = places[torch.arange(count) % 2, torch.arange(count)] + NOISE * torch.randn(count, 2, generator=rng)
    info = DataInfo(
        name=request.name, kind="points", shape=(2,), count=count, split=request.split, digest=digest(points)
    )
    return Dataset(info, {"images": points})  # "images" are the samples, of whatever kind
