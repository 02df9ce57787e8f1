"""Pairs from any set of images: each image beside what is left of it (``-o degrade=grey``).

What is left becomes the field ``images``, the image itself the field ``target``. The holes of ``mask`` are a function
of the image's index, so an image has the same hole in every epoch and every process.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from ganzoo.data.base import Dataset, Source, to_uint8, to_unit
from ganzoo.data.resize import convert_channels
from ganzoo.data.sampler import derived_seed
from ganzoo.errors import ConfigError

BLUR = 4
"""Blurred images are made smaller by this factor, and large again."""
HOLE = 0.5
"""Side of a hole, as a share of the image's."""
EMPTY = 128
"""Value of the pixels in a hole."""
STEEP = 3.0
"""Contrast of edges."""


class DegradedSource:
    """What is left of the images of another source."""

    def __init__(self, source: Source, kind: str) -> None:
        self.source, self.kind = source, kind

    def __len__(self) -> int:
        return len(self.source)

    def fetch(self, indices: Tensor) -> Tensor:
        """uint8 [N, C, H, W]."""
        return DEGRADE[self.kind](self.source.fetch(indices), indices)

    def prefetch(self, indices: Tensor) -> None:
        self.source.prefetch(indices)

    def to(self, device: torch.device) -> "DegradedSource":
        return DegradedSource(self.source.to(device), self.kind)

    def close(self) -> None:
        self.source.close()


def degraded(dataset: Dataset, kind: str) -> Dataset:
    """A data set of images as pairs; its labels stay.

    Raises:
        ConfigError: it has pairs already, or no colours to be taken away.
    """
    info = dataset.info
    if "target" in dataset.fields or dataset.second:
        raise ConfigError(f"degrade = {kind!r}: data set {info.name!r} has pairs already.")
    if kind == "grey" and info.shape[0] == 1:
        raise ConfigError(f"degrade = 'grey': the images of {info.name!r} are grey already.")
    channels = 1 if kind in ("grey", "edges") else info.shape[0]
    checksum = hashlib.sha256(f"{info.digest} degraded {kind}".encode()).hexdigest()
    info = replace(info, shape=(channels, *info.shape[1:]), digest=checksum, extra={
        **info.extra, "target_shape": list(info.shape)})  # fmt: skip
    fields = {**dataset.fields, "images": DegradedSource(dataset.source, kind), "target": dataset.source}
    return Dataset(info, fields)


def grey(images: Tensor, indices: Tensor) -> Tensor:
    """Luma alone."""
    return convert_channels(images, 1)


def negative(images: Tensor, indices: Tensor) -> Tensor:
    """Dark where it was bright."""
    return 255 - images


def edges(images: Tensor, indices: Tensor) -> Tensor:
    """Dark lines on white where the luma changes (Sobel)."""
    values = pad(convert_channels(images, 1).float(), (1, 1, 1, 1), mode="replicate") / 255
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=images.device)
    steep = conv2d(values, torch.stack([across, across.T])[:, None]).square().sum(1, keepdim=True).sqrt() / 4
    return (255 * (1 - STEEP * steep)).round_().clamp_(0, 255).to(torch.uint8)


def blur(images: Tensor, indices: Tensor) -> Tensor:
    """Details smaller than four pixels are gone."""
    size = images.shape[2:]
    small = [max(1, side // BLUR) for side in size]
    values = interpolate(to_unit(images), size=small, mode="bilinear", antialias=True, align_corners=False)
    return to_uint8(interpolate(values, size=size, mode="bicubic", align_corners=False))


def mask(images: Tensor, indices: Tensor) -> Tensor:
    """A square hole, grey, somewhere."""
    out, (height, width) = images.clone(), images.shape[2:]
    rows, columns = max(1, int(HOLE * height)), max(1, int(HOLE * width))
    for image, index in zip(out, indices.tolist(), strict=True):
        seed = derived_seed("hole", index)
        top, left = seed % (height - rows + 1), (seed // 2**20) % (width - columns + 1)
        image[:, top : top + rows, left : left + columns] = EMPTY
    return out


DEGRADE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "grey": grey, "edges": edges, "blur": blur, "mask": mask, "negative": negative,
}  # fmt: skip
"""uint8 images [N, C, H, W] and their indices int64 [N] to what is left of them."""


def taken_apart(dataset: Dataset) -> Dataset:
    """Pairs as two sets, each in an order of its own: for variants that learn without pairs.

    The targets stay a field as well, so that results can be compared with them.
    """
    info = dataset.info
    shape = tuple(info.extra.get("target_shape", info.shape))
    other = replace(info, name=f"{info.name} (target)", shape=shape, classes=(), extra={})
    return Dataset(info, dataset.fields, Dataset(other, {"images": dataset.fields["target"]}))


def is_taken_apart(dataset: Dataset) -> bool:
    """Whether its second set are the targets of its own pairs."""
    return dataset.second is not None and dataset.second.source is dataset.fields.get("target")
