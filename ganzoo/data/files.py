"""Image files that a user names, as a trained network takes them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.config.fields import colour_of
from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo, to_unit
from ganzoo.data.decode import Decoder
from ganzoo.data.images.opening import Undecodable
from ganzoo.data.sources.listing import list_folder
from ganzoo.errors import DataError, UsageError

BATCH = 256


def image_files(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and those of the folders that are named, in the order of their names.

    Raises:
        UsageError: nothing is there, or a folder holds no images.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder.")
        if path.is_dir():
            found = [path / file for file in list_folder(path).images]
            if not found:
                raise UsageError(f"{path} holds no images.")
            files += found
        else:
            files.append(path)
    return files


def images_of(files: list[Path], data: DataInfo, config: RunConfig) -> Iterator[Tensor]:
    """Images [n, C, H, W] in [-1, 1], scaled, cropped and made grey or RGB as those of a training folder, in batches.

    Args:
        data: what was trained on, which says the shape.
        config: the settings of the training.

    Raises:
        UsageError: the network is not of images.
        DataError: a file is no image.
    """
    if data.kind != "images":
        raise UsageError(f"these networks were trained on the {data.kind} of {data.name!r}; image files are none.")
    channels, height, width = data.shape
    background, levels = colour_of(config.background), config.levels
    decoder = Decoder(channels, height, width, background=background, levels=levels)
    for start in range(0, len(files), BATCH):
        pixels = []
        for file in files[start : start + BATCH]:
            try:
                pixels.append(decoder(file))
            except Undecodable as error:
                raise DataError(f"{file} cannot be read: {error}.") from error
        yield to_unit(torch.stack(pixels))
