"""Image files through a translating network: any size, grey, RGB or with alpha, in tiles where memory is short."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ganzoo.data.base import check_images, to_uint8, to_unit
from ganzoo.data.decode import GREY, reason
from ganzoo.data.resize import convert_channels
from ganzoo.errors import DataError, UsageError
from ganzoo.models.interfaces import Translator
from ganzoo.runtime.files import replace_file

WHOLE_PIXELS = 2**17
"""Larger images are cut into tiles: activations of 64 maps at 4 x 4 times this take half a gigabyte each."""
TILE = 256


@torch.no_grad()
def enlarge(network: Translator, images: Tensor, tile: int | None = None) -> Tensor:
    """[N, C, H, W], uint8 or in [-1, 1] -> uint8 [N, C, scale H, scale W], on the network's device and back.

    Tiles overlap by as much as the network sees (``reach``), so that the result is that of the whole image.

    Args:
        tile: side of a tile in pixels of the input, overlap not counted; 0: never cut; None: when the image is large.

    Raises:
        UsageError: images of another form, or out of range; a negative tile.
    """
    check_images(images, None, None, None)
    height, width = images.shape[-2:]
    if tile is not None and tile < 0:
        raise UsageError(f"tile = {tile}: give the side of a tile, or 0 for none.")
    if tile is None:
        tile = TILE if height * width > WHOLE_PIXELS else 0
    tile = tile or max(height, width)
    device, scale, reach = next(network.parameters()).device, network.scale, network.reach
    out = torch.empty((*images.shape[:2], scale * height, scale * width), dtype=torch.uint8)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            y, x = max(0, top - reach), max(0, left - reach)
            piece = images[..., y : bottom + reach, x : right + reach]
            result = to_uint8(network(to_unit(piece.to(device)).float())).cpu()
            rows = slice(scale * (top - y), scale * (bottom - y))
            columns = slice(scale * (left - x), scale * (right - x))
            out[..., scale * top : scale * bottom, scale * left : scale * right] = result[..., rows, columns]
    return out


def enlarge_image(network: Translator, channels: int, image: Image.Image, tile: int | None = None) -> Image.Image:
    """A Pillow image made larger: grey stays grey, and alpha is enlarged bicubically.

    Args:
        channels: 1 or 3, what the network was trained on. A network of one channel enlarges the three of RGB each.
    """
    alpha = image.convert("RGBA").getchannel("A") if "A" in image.mode or "transparency" in image.info else None
    grey = image.mode in GREY
    if image.mode.startswith(("I", "F")):
        raise DataError(f"its pixels have more than 8 bits (mode {image.mode}): convert it to 8 bits first.")
    array = np.array(image.convert("L" if grey else "RGB"))
    pixels = torch.from_numpy(array[None] if grey else array.transpose(2, 0, 1).copy())
    if channels == 3:
        result = convert_channels(enlarge(network, convert_channels(pixels[None], 3), tile), len(pixels))[0]
    else:
        result = enlarge(network, pixels[:, None], tile)[:, 0]
    array = result.permute(1, 2, 0).numpy()
    large = Image.fromarray(array[:, :, 0] if grey else array)
    if alpha is not None:
        large.putalpha(alpha.resize(large.size, Image.Resampling.BICUBIC))
    return large


def enlarge_file(network: Translator, channels: int, source: Path, target: Path, tile: int | None = None) -> None:
    """Read an image, write it larger as PNG.

    Raises:
        DataError: it cannot be read, or has more than 8 bits.
        RunError: ``target`` cannot be written.
    """
    try:
        with Image.open(source) as opened:
            opened.load()
            image = ImageOps.exif_transpose(opened)
            large = enlarge_image(network, channels, image, tile)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise DataError(f"{source} cannot be read: {reason(error)}.") from error
    replace_file(target, lambda temporary: large.save(temporary, format="PNG"))
