"""Pictures of samples: grids as PNG, single images, animations."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.data.base import to_uint8
from ganzoo.data.kinds import render
from ganzoo.data.resize import convert_channels
from ganzoo.errors import RunError
from ganzoo.models.variant import Variant
from ganzoo.runtime.files import replace_file


def save_picture(path: Path, images: Tensor, columns: int) -> None:
    """Write images [N, C, H, W], uint8 or in [-1, 1], as PNG: a grid of so many columns.

    Raises:
        RunError: the file cannot be written.
    """
    pixels = images if images.dtype == torch.uint8 else to_uint8(images)
    picture = to_image(grid(pixels, columns))
    replace_file(path, lambda temporary: picture.save(temporary, format="PNG"))


def drawn(variant: Variant, samples: Tensor) -> Tensor:
    """Samples of a variant as uint8 images [N, C, H, W]: as it renders them, or as the kind of its data is drawn.

    Raises:
        PluginError: a kind that no one can draw.
    """
    own = variant.render(samples)
    return render(variant.data.kind, samples) if own is None else own


def to_image(pixels: Tensor) -> Image.Image:
    """uint8 [C, H, W] as a Pillow image: 1 channel is grey, 3 are RGB, 4 RGBA."""
    array = pixels.permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def grid(images: Tensor, columns: int, gap: int = 2, min_side: int = 0) -> Tensor:
    """uint8 [N, C, H, W] side by side, row by row, on mid-grey, of RGBA on nothing: [C, H', W'].

    Args:
        columns: images in a row; the last row may be shorter.
        gap: pixels between two images, and around all.
        min_side: smaller images are magnified by a whole factor up to this height.
    """
    factor = max(1, -(-min_side // images.shape[2])) if min_side else 1
    if factor > 1:
        images = interpolate(images, scale_factor=factor, mode="nearest")
    n, channels, height, width = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    sheet = torch.full((channels, rows * (height + gap) + gap, columns * (width + gap) + gap), 128, dtype=torch.uint8)
    if channels == 4:
        sheet[3] = 0
    for i, image in enumerate(images.cpu()):
        top, left = gap + i // columns * (height + gap), gap + i % columns * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    return sheet


def save_singles(folder: Path, images: Tensor, labels: list[int] | None) -> None:
    """Write each image, uint8 [N, C, H, W], as its own PNG: ``00000.png``; with labels ``3/00000.png``.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        for i, pixels in enumerate(images):
            place = folder if labels is None else folder / str(labels[i])
            place.mkdir(parents=True, exist_ok=True)
            to_image(pixels).save(place / f"{i:05d}.png")
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}.") from error


def save_animation(path: Path, images: Tensor, columns: int, milliseconds: int = 80) -> None:
    """Write rows of an interpolation, uint8 [rows * columns, C, H, W], as a GIF that goes there and back.

    RGBA is laid on white.

    Raises:
        RunError: the file cannot be written.
    """
    rows = len(images) // columns
    if images.shape[1] == 4:
        images = convert_channels(images, 3)  # a GIF knows no half transparency
    pixels = images.reshape(rows, columns, *images.shape[1:])
    width = -(-rows // max(1, int(rows**0.5)))
    frames = [to_image(grid(pixels[:, step], width, min_side=64)) for step in range(columns)]
    frames += frames[-2:0:-1]
    options = {"save_all": True, "append_images": frames[1:], "duration": milliseconds, "loop": 0}
    replace_file(path, lambda temporary: frames[0].save(temporary, format="GIF", **options))
