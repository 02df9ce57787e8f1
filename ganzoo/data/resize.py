"""uint8 images to the resolution and channels that were requested, the same way for every set that is held as a tensor.

The shorter side is scaled to the resolution (bicubic with antialias), then the centre is cropped; grey is the luma of
ITU-R BT.601, the one that Pillow and torchvision use.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, MemorySource, Source, digest
from ganzoo.data.progress import Progress, silent
from ganzoo.errors import ConfigError, UnknownNameError, UsageError
from ganzoo.registry.specs import DatasetSpec

LUMA = (0.299, 0.587, 0.114)
CHUNK_BYTES = 64 * 2**20  # float32 working memory of one piece of a resize


def check_request(request: DataRequest, spec: DatasetSpec) -> None:
    """Refuse a request that the data set cannot meet, before any file is read.

    Raises:
        UnknownNameError: no such split.
        UsageError: a path after the colon of a set that takes none.
        ConfigError: a resolution or number of channels that no image can have, or asked of points; channels of voxels.
    """
    if request.split not in spec.splits:
        raise UnknownNameError(f"split of {request.name}", request.split, spec.splits)
    if request.argument and spec.argument == "none":
        raise UsageError(
            f"data set {spec.name!r} takes nothing after its name, not {request.argument!r}; "
            f"use {spec.name!r}, or 'folder:{request.argument}' for images of your own."
        )
    if request.crop is not None and spec.argument != "path":
        raise ConfigError(
            f"crop = {request.crop}: data set {spec.name!r} is used as it is; only your own folders are cropped."
        )
    if spec.samples != "images":
        refuse_sizes(spec, request.resolution, request.channels)
        return
    if request.resolution is not None and request.resolution < 1:
        raise ConfigError(f"resolution = {request.resolution} must be at least 1 pixel.")
    own = spec.argument == "path"
    if request.channels not in ((None, 1, 3, 4) if own else (None, 1, 3)):
        more = ", 3 (RGB) or 4 (RGBA)" if own else f" or 3 (RGB): data set {spec.name!r} has no transparency"
        raise ConfigError(f"channels = {request.channels} must be 1 (grey){more}.")


def refuse_sizes(spec: DatasetSpec, resolution: int | None, channels: int | None) -> None:
    """Raise ConfigError for sizes that samples of another kind than images do not have; voxels have a resolution."""
    if spec.samples == "voxels" and channels is not None:
        raise ConfigError(f"channels = {channels} says nothing about the voxels of data set {spec.name!r}.")
    if spec.samples not in ("images", "voxels") and (resolution is not None or channels is not None):
        raise ConfigError(f"resolution and channels say nothing about the {spec.samples} of data set {spec.name!r}.")


def fitted_shape(request: DataRequest, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(C, H, W) that images of ``shape`` have once they are brought to what ``request`` asks for."""
    channels, height, width = shape
    if request.resolution is not None:
        height = width = request.resolution
    return request.channels or channels, height, width


def convert_channels(images: Tensor, channels: int) -> Tensor:
    """uint8 [N, C, H, W] with C of 1, 3 or 4 -> the same with ``channels`` of them.

    Of four channels the last is alpha: transparency is laid on white, and what had none becomes opaque.
    """
    if images.shape[1] == channels:
        return images
    if images.shape[1] == 4:
        alpha = images[:, 3:].float() / 255
        laid = images[:, :3].float() * alpha + 255 * (1 - alpha)
        return convert_channels(laid.round_().clamp_(0, 255).to(torch.uint8), channels)
    if channels == 4:
        return torch.cat([convert_channels(images, 3), torch.full_like(images[:, :1], 255)], 1)
    if channels == 3:
        return images.expand(-1, 3, -1, -1)
    weights = torch.tensor(LUMA, device=images.device).view(1, 3, 1, 1)
    return (images.float() * weights).sum(1, keepdim=True).round_().clamp_(0, 255).to(torch.uint8)


def resize_crop(images: Tensor, height: int, width: int) -> Tensor:
    """uint8 [N, C, H, W] -> uint8 [N, C, height, width]: scaled to cover that area, then cropped at the centre."""
    h, w = images.shape[-2:]
    if (h, w) == (height, width):
        return images
    scale = max(height / h, width / w)
    size = max(height, round(h * scale)), max(width, round(w * scale))
    scaled = F.interpolate(images.float(), size=size, mode="bicubic", antialias=True, align_corners=False)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    # Bicubic overshoots at edges, hence the clamp.
    return scaled[..., top : top + height, left : left + width].round_().clamp_(0, 255).to(torch.uint8)


def fit_images(images: Tensor, shape: tuple[int, int, int], progress: Progress = silent) -> Tensor:
    """uint8 [N, C, H, W] -> uint8 [N, *shape], in pieces that keep the working memory small."""
    if tuple(images.shape[1:]) == shape:
        return images
    out = torch.empty((len(images), *shape), dtype=torch.uint8, device=images.device)
    c, h, w = images.shape[1:]
    step = max(1, CHUNK_BYTES // (4 * max(c, shape[0]) * max(h * w, shape[1] * shape[2])))
    for start in range(0, len(images), step):
        piece = convert_channels(images[start : start + step], shape[0])
        out[start : start + step] = resize_crop(piece, shape[1], shape[2])
        progress("resizing", min(start + step, len(images)), len(images))
    return out


class FittedSource:
    """Images kept as published and resized when they are fetched, for sets too large once resized.

    The resizing is done on the CPU, wherever the images go, so that they are those that a MemorySource would hold.
    """

    def __init__(self, images: Tensor, shape: tuple[int, int, int], device: torch.device | None = None) -> None:
        self.images, self.shape, self.device = images, shape, device or torch.device("cpu")

    def __len__(self) -> int:
        return len(self.images)

    def fetch(self, indices: Tensor) -> Tensor:
        return fit_images(self.images[indices.cpu()], self.shape).to(self.device)

    def prefetch(self, indices: Tensor) -> None:
        """Nothing to do: the originals are in memory."""

    def to(self, device: torch.device) -> "FittedSource":
        return FittedSource(self.images, self.shape, device)

    def close(self) -> None:
        """Nothing to close."""


def image_dataset(
    request: DataRequest, images: Tensor, labels: Tensor | None = None, classes: tuple[str, ...] = ()
) -> Dataset:
    """A Dataset of what ``request`` asks for from all images of a split, uint8 [N, C, H, W]."""
    shape = fitted_shape(request, tuple(images.shape[1:]))
    if len(images) * shape[0] * shape[1] * shape[2] <= max(request.memory, images.numel()):
        images = fit_images(images, shape, request.progress)
        source: Source = MemorySource(images)
    else:
        source = FittedSource(images, shape)
    return Dataset(
        info=DataInfo(
            name=request.name,
            kind="images",
            shape=shape,
            classes=classes,
            count=len(images),
            split=request.split,
            digest=digest(images, labels),
        ),
        fields={"images": source, **({} if labels is None else {"labels": labels})},
    )
