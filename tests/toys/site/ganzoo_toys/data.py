"""Tiny sets of every kind of data, deterministic from the split alone."""

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, one_hot

from ganzoo.plugin import DataInfo, DataRequest, Dataset, digest

COUNT, SIDE = 64, 16
WORDS = ("red", "green", "blue", "small", "large")


def rng_of(request: DataRequest) -> torch.Generator:
    return torch.Generator().manual_seed(1 if request.split == "test" else 0)


def boxes(rng: torch.Generator, *shape: int) -> Tensor:
    """[COUNT, 1, *shape] of booleans: a box at a random place in each."""
    inside = torch.ones(COUNT, *shape, dtype=torch.bool)
    for axis, side in enumerate(shape):
        begin = torch.randint(1, side // 2, (COUNT, 1), generator=rng)
        size = torch.randint(side // 4, side // 2, (COUNT, 1), generator=rng)
        place = torch.arange(side)
        along = (place >= begin) & (place < begin + size)
        inside &= along.view(COUNT, *[side if i == axis else 1 for i in range(len(shape))])
    return inside[:, None]


def info(request: DataRequest, kind: str, samples: Tensor, **more: object) -> DataInfo:
    return DataInfo(
        name=request.name, kind=kind, shape=tuple(samples.shape[1:]), count=COUNT, split=request.split,
        digest=digest(samples), extra=more,
    )  # fmt: skip


def pairs(request: DataRequest) -> Dataset:
    filled = boxes(rng_of(request), SIDE, SIDE).float()
    outlines = filled - (1 - max_pool2d(1 - filled, 3, 1, 1))
    images, target = ((255 * each).to(torch.uint8) for each in (outlines, filled))
    return Dataset(info(request, "images", images, target_shape=[1, SIDE, SIDE]), {"images": images, "target": target})


def captions(request: DataRequest) -> Dataset:
    rng = rng_of(request)
    colour, size = torch.randint(3, (COUNT,), generator=rng), torch.randint(2, (COUNT,), generator=rng)
    place = torch.arange(SIDE)
    half = torch.where(size == 1, 6, 3)[:, None]
    along = (place >= SIDE // 2 - half) & (place < SIDE // 2 + half)
    square = (along[:, None, :] & along[:, :, None]).float()
    images = (255 * square[:, None] * one_hot(colour, 3)[:, :, None, None]).to(torch.uint8)
    embeddings = torch.cat([one_hot(colour, 3), one_hot(size, 2)], 1).float()
    about = info(request, "images", images, embedding=len(WORDS), vocabulary=list(WORDS))
    return Dataset(about, {"images": images, "embeddings": embeddings})


def waves(request: DataRequest) -> Dataset:
    rng = rng_of(request)
    pitch, phase = (torch.rand(COUNT, 1, 1, generator=rng) for _ in range(2))
    samples = 0.8 * torch.sin(6.283 * ((2 + 3 * pitch) * torch.linspace(0, 1, 64) + phase))
    return Dataset(info(request, "waves", samples, sample_rate=8_000), {"images": samples})


def voxels(request: DataRequest) -> Dataset:
    samples = boxes(rng_of(request), 8, 8, 8).float() * 2 - 1
    return Dataset(info(request, "voxels", samples), {"images": samples})
