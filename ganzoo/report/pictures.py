"""Pictures of samples: grids as PNG, single images, and what such a file says about itself."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.data.base import to_uint8
from ganzoo.data.kinds import render
from ganzoo.errors import RunError
from ganzoo.models.variant import Variant
from ganzoo.runtime.files import replace_file

SOFTWARE = f"ganzoo {metadata.version('ganzoo')}"
PREFIX = "ganzoo."
"""Of the keys under which a picture says where it comes from."""
Origin = Mapping[str, object]
"""Where a picture comes from: run, variant, dataset, step, seed, class ... What is None or empty is left out."""


def origin_of(variant: Variant, run: str, step: int, **more: object) -> dict[str, object]:
    """Where pictures of a training come from, for the file that holds them; ``run`` is a name, not a path."""
    return {"run": run, "variant": variant.config.variant, "dataset": variant.data.name, "step": step, **more}


def texts_of(origin: Origin) -> dict[str, str]:
    """The keys and texts that a picture carries."""
    said = {PREFIX + key: str(value) for key, value in origin.items() if value is not None and value != ""}
    return {"Software": SOFTWARE, **said}


def png_info(origin: Origin) -> PngInfo:
    """The same as text chunks of a PNG file: tEXt, or iTXt where Latin-1 does not suffice."""
    info = PngInfo()
    for key, text in texts_of(origin).items():
        info.add_text(key, text)
    return info


def save_image(path: Path, picture: Image.Image, origin: Origin | None = None) -> None:
    """Write a Pillow image as PNG.

    Raises:
        RunError: the file cannot be written.
    """
    info = png_info(origin or {})
    replace_file(path, lambda temporary: picture.save(temporary, format="PNG", pnginfo=info))


def save_picture(path: Path, images: Tensor, columns: int, origin: Origin | None = None) -> None:
    """Write images [N, C, H, W], uint8 or in [-1, 1], as PNG: a grid of so many columns.

    Args:
        origin: what the file says about where they come from.

    Raises:
        RunError: the file cannot be written.
    """
    pixels = images if images.dtype == torch.uint8 else to_uint8(images)
    save_image(path, to_image(grid(pixels, columns)), origin)


def drawn(variant: Variant, samples: Tensor) -> Tensor:
    """Samples of a variant as uint8 images [N, C, H, W]: as it renders them, or as the kind of its data is drawn.

    Raises:
        PluginError: a kind that no one can draw.
    """
    own = variant.render(samples)
    return render(samples, variant.data) if own is None else own


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


def save_singles(folder: Path, images: Tensor, labels: list[int] | None, origin: Origin | None = None) -> None:
    """Write each image, uint8 [N, C, H, W], as its own PNG: ``00000.png``; with labels ``3/00000.png``.

    Args:
        origin: what each file says about where it comes from; its number and class are added.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        for i, pixels in enumerate(images):
            place = folder if labels is None else folder / str(labels[i])
            place.mkdir(parents=True, exist_ok=True)
            said = {**(origin or {}), "number": i, **({} if labels is None else {"class": labels[i]})}
            to_image(pixels).save(place / f"{i:05d}.png", pnginfo=png_info(said))
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}.") from error
