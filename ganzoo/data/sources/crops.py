"""Crops of large images, for super-resolution: each index means one image, one place and one orientation.

There are ``CROPS`` indices for every image, so that the sampler, which knows indices only, draws ever new crops in an
order that is a function of the seed and of the position.
"""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset
from ganzoo.data.decode import Decoder, Part, bad_files_error, decoder_for
from ganzoo.data.images.opening import Undecodable
from ganzoo.data.sampler import derived_seed
from ganzoo.errors import ConfigError, DataError

CROPS = 1_000
SHOWN = 3  # files named in a message


class CropSource:
    """Square crops, uint8 [N, C, side, side], of images [C, H, W] in memory, or of files decoded when needed."""

    def __init__(self, images: Sequence[Tensor | Path], decoder: Decoder, side: int) -> None:
        self.images, self.decoder, self.side = images, decoder, side

    def __len__(self) -> int:
        return CROPS * len(self.images)

    def fetch(self, indices: Tensor) -> Tensor:
        return torch.stack([self.crop(index) for index in indices.tolist()])

    def crop(self, index: int) -> Tensor:
        """The crop with this index: place and orientation (one of eight) follow from it."""
        found = self.images[index % len(self.images)]
        image = self._decoded(found) if isinstance(found, Path) else found
        rng = random.Random(derived_seed("crop", index))
        top = rng.randint(0, image.shape[1] - self.side)
        left = rng.randint(0, image.shape[2] - self.side)
        piece = image[:, top : top + self.side, left : left + self.side]
        if rng.random() < 0.5:
            piece = piece.flip(2)
        return torch.rot90(piece, rng.randrange(4), (1, 2))

    def _decoded(self, path: Path) -> Tensor:
        try:
            return self.decoder(path)
        except Undecodable as error:
            raise DataError(f"{path} cannot be decoded: {error}. Repair or remove it, then start again.") from error

    def prefetch(self, indices: Tensor) -> None:
        """Nothing to do: crops of images in memory are cheap; files are decoded when they are needed."""

    def to(self, device: torch.device) -> "CropSource":
        return self  # images differ in size: they stay on the CPU, and batches travel

    def close(self) -> None:
        """Nothing to close."""


def crop_dataset(
    request: DataRequest,
    name: str,
    folder: Path,
    files: Sequence[Path],
    part: Part = "whole",
) -> Dataset:
    """Crops of ``request.crop`` pixels from image files (relative to ``folder``), RGB unless ``channels`` is 1.

    Raises:
        ConfigError: four channels.
        DataError: a file that cannot be decoded, or is smaller than a crop.
    """
    assert request.crop is not None
    if request.channels == 4:
        raise ConfigError("channels = 4: crops are grey or RGB, of 1 or 3 channels.")
    side, decoder = request.crop, decoder_for(request, 0, 0, part)
    kept: list[Tensor | Path] = []
    bad: list[tuple[Path, str]] = []
    small: list[str] = []
    total, used = hashlib.sha256(f"{decoder.channels} {side};".encode()), 0
    for i, file in enumerate(files):
        request.progress("reading images", i + 1, len(files))
        try:
            image = decoder(folder / file)
        except Undecodable as error:
            bad.append((folder / file, str(error)))
            continue
        if min(image.shape[1:]) < side:
            small.append(f"{file} ({image.shape[2]}x{image.shape[1]})")
        total.update(f"{file.as_posix()} {tuple(image.shape)};".encode(errors="surrogateescape"))
        total.update(image.numpy().data)
        used += image.numel()
        kept.append(image if used <= request.memory else folder / file)
    if bad:
        raise bad_files_error(folder, bad, len(files))
    if small:
        named = ", ".join(small[:SHOWN]) + (", ..." if len(small) > SHOWN else "")
        raise DataError(
            f"{len(small):,} of {len(files):,} images in {folder} are smaller than a crop of {side}x{side}: {named}. "
            "Choose a smaller crop, or take them out."
        )
    info = DataInfo(
        name=name,
        kind="images",
        shape=(decoder.channels, side, side),
        count=len(files),
        split=request.split,
        digest=total.hexdigest(),
    )
    return Dataset(info, {"images": CropSource(kept, decoder, side)})
