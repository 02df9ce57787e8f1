"""Images through a translator: any size, grey, RGB or with alpha, in tiles where memory is short."""

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.data.base import DataWarning, check_images, to_uint8, to_unit
from ganzoo.data.images.opening import GREY, open_image, reason
from ganzoo.data.images.pixels import to_srgb
from ganzoo.data.resize import convert_channels
from ganzoo.errors import DataError, PluginError, UsageError, describe
from ganzoo.models.interfaces import Translator, device_of
from ganzoo.runtime.files import replace_file

WHOLE_PIXELS = 2**17
"""Larger images are cut into tiles: activations of 64 maps at 4 x 4 times this take half a gigabyte each."""
TILE = 256
LARGE_PIXELS, LARGE_TILE, BLEND = 2**20, 512, 32
"""The same for a network that sees the whole image: it is given larger pieces, and the result is blended over ``BLEND``
pixels on both sides of a border."""


@torch.no_grad()
def translate(network: Translator, images: Tensor, tile: int | None = None, condition: Tensor | None = None) -> Tensor:
    """[N, C, H, W], uint8 or in [-1, 1] -> uint8 [N, C', scale H, scale W], on the network's device and back.

    Tiles overlap by as much as the network sees (``reach``), so that the result is that of the whole image. A network
    that sees the whole image is given pieces whose results are blended: that is another result, in bounded memory.
    Sides that are not multiples of ``multiple`` are padded at the right and at the bottom, and the result is cut back.

    Args:
        tile: side of a tile in pixels of the input, overlap not counted; 0: never cut; None: when the image is large.
        condition: of each image, for a network that takes one.

    Raises:
        UsageError: images of another form, or out of range; a negative tile; a scale that does not give whole pixels.
    """
    check_images(images, None, None, None)
    height, width = images.shape[-2:]
    if tile is not None and tile < 0:
        raise UsageError(f"tile = {tile}: give the side of a tile, or 0 for none.")
    if tile is None:
        tile = usual_tile(network, height, width)
        if tile and network.reach is None:
            warnings.warn(
                f"{width}x{height} pixels: translated in pieces of {tile} that are blended, because this network looks "
                "at the whole image; with tile 0 it is given the whole, which takes more memory.",
                DataWarning,
                stacklevel=2,
            )
    tile = -(-tile // network.multiple) * network.multiple if tile else max(height, width)
    if network.reach is None and tile < max(height, width):
        return blended(network, images, tile, condition)
    reach = -(-(network.reach or 0) // network.multiple) * network.multiple
    result: Tensor | None = None
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            y, x = max(0, top - reach), max(0, left - reach)
            piece = images[..., y : bottom + reach, x : right + reach]
            part = translated(network, piece, condition)
            if result is None:
                sides = scaled(network, height), scaled(network, width)
                result = torch.empty((*part.shape[:2], *sides), dtype=torch.uint8)
            rows = slice(scaled(network, top - y), scaled(network, bottom - y))
            columns = slice(scaled(network, left - x), scaled(network, right - x))
            target = result[..., scaled(network, top) : scaled(network, bottom), :]
            target[..., scaled(network, left) : scaled(network, right)] = part[..., rows, columns]
    assert result is not None, "check_images refuses empty images"
    return result


def usual_tile(network: Translator, height: int, width: int) -> int:
    """The side of the tiles that an image of this size is cut into; 0: it is not cut."""
    if network.reach is None:
        return LARGE_TILE if height * width > LARGE_PIXELS else 0
    return TILE if height * width > WHOLE_PIXELS else 0


def blended(network: Translator, images: Tensor, tile: int, condition: Tensor | None) -> Tensor:
    """The results of overlapping pieces, each fading into the next: what :func:`translate` does without a ``reach``."""
    height, width = images.shape[-2:]
    result: Tensor | None = None
    for top in range(0, height, tile):
        rows = max(0, top - BLEND), min(top + tile + BLEND, height)
        for left in range(0, width, tile):
            columns = max(0, left - BLEND), min(left + tile + BLEND, width)
            part = translated(network, images[..., slice(*rows), slice(*columns)], condition)
            if result is None:
                result = torch.zeros((*part.shape[:2], scaled(network, height), scaled(network, width)))
                weights = torch.zeros(result.shape[-2:])
            y, x = (slice(*(scaled(network, place) for place in span)) for span in (rows, columns))
            weight = fading(network, rows, height)[:, None] * fading(network, columns, width)
            result[..., y, x] += weight * part
            weights[y, x] += weight
    assert result is not None, "check_images refuses empty images"
    return result.div_(weights).round_().to(torch.uint8)


def fading(network: Translator, span: tuple[int, int], side: int) -> Tensor:
    """Weights of the rows or columns of a piece's result: they fall towards the ends that have a neighbour."""
    begin, end = span
    places = torch.arange(scaled(network, end - begin)) + 0.5
    weight, over = torch.ones(len(places)), float(2 * BLEND * network.scale)
    if begin > 0:
        weight = weight.minimum(places / over)
    if end < side:
        weight = weight.minimum((len(places) - places) / over)
    return weight


HALF = 128
"""Values of a mask from here on are white; opacities below it are transparent."""


def translated(network: Translator, images: Tensor, condition: Tensor | None) -> Tensor:
    """Images in one piece through the network, padded to its ``multiple`` and cut back, as uint8 on the CPU."""
    device, (height, width) = device_of(network), images.shape[-2:]
    values = to_unit(images.to(device)).float()
    below, beside = -height % network.multiple, -width % network.multiple
    if below or beside:
        values = pad(values, (0, beside, 0, below), mode="replicate")
    training = network.training
    network.eval()
    try:
        found = network(values) if condition is None else network(values, condition.to(device))
    finally:
        network.train(training)
    return to_uint8(found[..., : scaled(network, height), : scaled(network, width)]).cpu()


def scaled(network: Translator, side: int) -> int:
    """Pixels of the result that ``side`` pixels of the input become.

    Raises:
        UsageError: not a whole number.
    """
    found = side * Fraction(network.scale)
    if found.denominator != 1:
        raise UsageError(f"{side} pixels times {network.scale} are not whole pixels: cut the image first.")
    return int(found)


def translate_image(
    network: Translator,
    channels: int,
    image: Image.Image,
    tile: int | None = None,
    label: int | None = None,
    hole: Image.Image | None = None,
) -> Image.Image:
    """A Pillow image translated. Alpha is scaled bicubically.

    A network that enlarges keeps grey images grey, and one of a single channel enlarges the three of RGB each. Any
    other network gives what it gives: an image of other channels is converted first.

    Args:
        channels: 1, 3 or 4 (RGBA), what the network was trained on, and one more for a mask.
        label: the class to translate into, for a network that takes one.
        hole: white where a network that fills holes is to paint; None: where the image is transparent.

    Raises:
        DataError: pixels of more than 8 bits.
        UsageError: no hole, or a mask of another size.
    """
    if network.masked:
        return filled(network, channels - 1, image, tile, hole)
    clear = "A" in image.mode or "transparency" in image.info
    alpha = image.convert("RGBA").getchannel("A") if clear and channels != 4 else None
    grey = image.mode in GREY and channels != 4
    if image.mode.startswith(("I", "F")):
        raise DataError(f"its pixels have more than 8 bits (mode {image.mode}): convert it to 8 bits first.")
    array = np.array(image.convert("L" if grey else "RGBA" if channels == 4 else "RGB"))
    pixels = torch.from_numpy(array[None] if grey else array.transpose(2, 0, 1).copy())
    inputs = pixels[:, None] if network.scale > 1 and channels == 1 else convert_channels(pixels[None], channels)
    condition = None if label is None else torch.full((len(inputs),), label)
    result = translate(network, inputs, tile, condition)
    if network.scale <= 1:
        result = result[0]
    else:
        result = result[:, 0] if channels == 1 else convert_channels(result, len(pixels))[0]
    array = result.permute(1, 2, 0).numpy()
    large = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    if alpha is not None:
        large.putalpha(alpha.resize(large.size, Image.Resampling.BICUBIC))
    return large


def filled(
    network: Translator, channels: int, image: Image.Image, tile: int | None, hole: Image.Image | None
) -> Image.Image:
    """An image with its hole painted; every other pixel as it was. Arguments and errors as :func:`translate_image`."""
    if hole is None and "A" not in image.mode and "transparency" not in image.info:
        raise UsageError("nothing says where to paint: give a mask, white where to paint, or transparent pixels.")
    if hole is not None and hole.size != image.size:
        sizes = ["x".join(map(str, each.size)) for each in (hole, image)]
        raise UsageError(f"the mask is of {sizes[0]} and the image of {sizes[1]}: they must be of one size.")
    rgba = np.array(image.convert("RGBA"))
    paint = rgba[..., 3] < HALF if hole is None else np.array(hole.convert("L")) >= HALF
    if not paint.any():
        raise UsageError("there is nothing to paint: no pixel of the mask is white, or of the image transparent.")
    pixels = torch.from_numpy((rgba if channels == 4 else rgba[..., :3]).transpose(2, 0, 1).copy())[None]
    mask = torch.from_numpy(255 * paint.astype(np.uint8))[None, None]
    result = translate(network, torch.cat([convert_channels(pixels, channels), mask], 1), tile)[0]
    array = result.permute(1, 2, 0).numpy()
    return Image.fromarray(array[:, :, 0] if channels == 1 else array)


def read_upright(source: Path) -> Image.Image:
    """An image file as it is looked at: turned as its camera was, colours in sRGB.

    Raises:
        Exception: whatever a damaged file leads a decoder to.
    """
    with open_image(source) as opened:
        opened.load()
        image = ImageOps.exif_transpose(opened)
        return image if image.mode in GREY else to_srgb(image)[0]


def read_or_tell(path: Path) -> Image.Image:
    """As :func:`read_upright`; DataError for a file that cannot be read."""
    try:
        return read_upright(path)
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise DataError(f"{path} cannot be read: {reason(error)}.") from error


def translate_file(
    network: Translator,
    channels: int,
    source: Path,
    target: Path,
    tile: int | None = None,
    label: int | None = None,
    mask: Path | None = None,
) -> None:
    """Read an image, write its translation as PNG.

    Args:
        mask: image of the hole, for a network that fills holes.

    Raises:
        DataError: one of them cannot be read, or has more than 8 bits.
        UsageError: its size does not suit the network.
        PluginError: the network raised something.
        RunError: ``target`` cannot be written.
    """
    image, hole = read_or_tell(source), None if mask is None else read_or_tell(mask)
    try:
        result = translate_image(network, channels, image, tile, label, hole)
    except (DataError, UsageError) as error:
        raise type(error)(f"{source}: {error}") from error
    except Exception as error:  # a network is a plugin's code
        raise PluginError(f"{source}: the network raised {describe(error)}") from error
    replace_file(target, lambda temporary: result.save(temporary, format="PNG"))
