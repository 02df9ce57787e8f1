"""Dominant colours as classes: what an image is coloured with, in one of twelve words, as in arXiv:1810.10395."""

import dataclasses
import hashlib
from functools import cache

import torch
from torch import Tensor

from ganzoo.data.base import Dataset
from ganzoo.data.progress import Progress, silent
from ganzoo.data.resize import convert_channels
from ganzoo.data.specs.packages import COLOUR_CLASSES
from ganzoo.errors import ConfigError

ANCHORS: dict[str, tuple[str, ...]] = {
    "black": ("000000", "202020", "101828"),
    "blue": ("0000ff", "1f5fc8", "00008b", "4169e1", "1e90ff", "203060", "5b9bd5"),
    "brown": ("8b4513", "5c3317", "a0703c", "3f2a14", "7a4b2a"),
    "cyan": ("00ffff", "17becf", "20b2aa", "008b8b", "40d0e0", "7fe5e5"),
    "grey": ("808080", "585858", "a9a9a9", "c8c8c8", "6b7280"),
    "green": ("008000", "00c000", "2ca02c", "7fc241", "a4d65e", "14452f", "00b37e"),
    "orange": ("ff8c00", "ff6a13", "f5a623", "e8751a", "ff9e4f"),
    "pink": ("ff69b4", "ffb6c1", "e6298b", "ff4f8b", "f5a3c7"),
    "purple": ("800080", "5b2d90", "9450bd", "7b42f6", "4b2a6b", "b48ae0", "6a0dad", "7b2fbe", "4b0082"),
    "red": ("ff0000", "d62728", "8b0000", "e4002b", "b01f24", "f05050"),
    "white": ("ffffff", "f2f2f2", "e8e8e8"),
    "yellow": ("ffff00", "ffd800", "f0c814", "fff066", "d4b106"),
}
"""Colours that stand for each word; every other colour has the word of the nearest in Oklab."""
BITS = 5
"""Of each of red, green and blue that a word is looked up by."""
LEAST = 0.002
"""Weight a pixel that a colour other than the background's must have; with less the background is the colour."""
BATCH = 500


def oklab_of(colours: Tensor) -> Tensor:
    """uint8 sRGB colours [N, 3] in Oklab (Ottosson 2020), whose blues keep their hue, other than those of CIELAB."""
    values = colours.float() / 255
    linear = torch.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    cones = torch.tensor(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]]
    )  # fmt: skip
    mixed = torch.tensor(
        [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
         [0.0259040371, 0.7827717662, -0.8086757660]]
    )  # fmt: skip
    return (linear @ cones.T).pow(1 / 3) @ mixed.T


@cache
def words() -> Tensor:
    """The class of every colour by the first bits of red, green and blue, int64 [2 ** (3 * BITS)]."""
    anchors = [(word, bytes.fromhex(text)) for word, texts in ANCHORS.items() for text in texts]
    place = oklab_of(torch.tensor([list(rgb) for _, rgb in anchors], dtype=torch.uint8))
    levels = (torch.arange(2**BITS) * 255 / (2**BITS - 1)).round().to(torch.uint8)
    grid = torch.cartesian_prod(levels, levels, levels)
    nearest = torch.cdist(oklab_of(grid), place).argmin(1)
    return torch.tensor([COLOUR_CLASSES.index(word) for word, _ in anchors])[nearest]


def colour_class(text: str) -> int:
    """The class of a colour that is written as #rrggbb."""
    red, green, blue = (value >> (8 - BITS) for value in bytes.fromhex(text.removeprefix("#")))
    return int(words()[(red << 2 * BITS) + (green << BITS) + blue])


def dominant_colours(images: Tensor) -> Tensor:
    """The class of the dominant colour of uint8 images [N, C, H, W], by ``COLOUR_CLASSES``: int64 [N].

    The background is what most pixels of the border have. Other pixels count by the square of how far their colour is
    from it, so that the smooth edges of a shape count less than its inside. An image of the background alone has the
    background's colour.
    """
    rgb = convert_channels(images, 3)
    place = rgb.long() >> (8 - BITS)
    found = words()[(place[:, 0] << 2 * BITS) + (place[:, 1] << BITS) + place[:, 2]]
    border = torch.cat([found[:, 0], found[:, -1], found[:, :, 0], found[:, :, -1]], 1)
    behind = torch.nn.functional.one_hot(border, len(COLOUR_CLASSES)).sum(1).argmax(1)
    is_behind = found == behind[:, None, None]
    on_border = torch.zeros_like(is_behind)
    on_border[:, [0, -1]] = True
    on_border[:, :, [0, -1]] = True
    shown = (is_behind & on_border)[:, None]
    base = (rgb * shown).sum((2, 3), dtype=torch.float32) / shown.sum((2, 3))
    weights = (rgb.float() - base[:, :, None, None]).square().sum(1) / (3 * 255**2)
    weights = (weights * ~is_behind).flatten(1)
    counts = torch.zeros(len(images), len(COLOUR_CLASSES)).scatter_add_(1, found.flatten(1), weights)
    most, which = counts.max(1)
    return torch.where(most >= LEAST * weights.shape[1], which, behind)


def by_colours(dataset: Dataset, progress: Progress = silent) -> Dataset:
    """A data set of images whose classes are their dominant colours; those that it had are gone.

    Raises:
        ConfigError: its samples are not images.
    """
    info = dataset.info
    if info.kind != "images":
        raise ConfigError(f"classes = 'colours' is for images, not for the {info.kind} of {info.name!r}.")
    count, labels = len(dataset.source), []
    for part in torch.arange(count).split(BATCH):
        labels.append(dominant_colours(dataset.source.fetch(part).cpu()))
        progress("looking for dominant colours", int(part[-1]) + 1, count)
    checksum = hashlib.sha256(f"{info.digest} by colours {sorted(ANCHORS.items())}".encode()).hexdigest()
    told = dataclasses.replace(info, classes=COLOUR_CLASSES, digest=checksum)
    return Dataset(told, {**dataset.fields, "labels": torch.cat(labels)}, dataset.second)
