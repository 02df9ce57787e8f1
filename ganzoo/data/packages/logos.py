"""``logos``: icons of brands in their colours, drawn by resvg from the SVG texts of the package simplepycons.

An icon has one colour, that of its brand, on white; white ones are drawn on black. Its class is the word for that
colour. A tenth of the icons are the test split. After LoGAN, arXiv:1810.10395, which was trained on logos by colour.
"""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.derived.colours import colour_class
from ganzoo.data.images.facts import Census
from ganzoo.data.images.remember import Decoded, remembered
from ganzoo.data.packages.installed import file_of, require
from ganzoo.data.resize import check_request, convert_channels
from ganzoo.data.specs import own_spec
from ganzoo.data.specs.packages import COLOUR_CLASSES
from ganzoo.errors import ConfigError

DEFAULT_RESOLUTION = 32
VERSION = 1
"""Of the drawing: raised when the same package gives other pictures."""
MARGIN = 1
"""Of an icon's 24 units, left free on every side: some fill all of them."""
TEST_SHARE = 10
"""One of so many icons is in the test split."""
WORKERS = 4
SHAPE = 'viewBox="0 0 24 24"'


def load(request: DataRequest) -> Dataset:
    """Icons with the word for their colour as class, RGB, by default at 32x32.

    Raises:
        DataMissingError: the packages are not installed.
        ConfigError: a resolution at which they do not fit into memory.
    """
    spec = own_spec(request.name)
    check_request(request, spec)
    versions = require(spec)
    from simplepycons import all_icons  # type: ignore[attr-defined]  # its stubs leave it out

    side = request.resolution or DEFAULT_RESOLUTION
    icons = [all_icons[name] for name in sorted(all_icons.names())]
    labels = torch.tensor([colour_class(icon.primary_color) for icon in icons])
    size = len(icons) * 3 * side * side
    if size > request.memory:
        raise ConfigError(f"resolution = {side}: {len(icons):,} icons of this size do not fit into memory.")
    folder = file_of("simplepycons", "simplepycons")
    said = f"{VERSION} {side} {sorted(versions.items())}"
    key = hashlib.sha256(f"logos {said} {folder}".encode()).hexdigest()[:32]

    def draw_all() -> Decoded:
        out = torch.empty((len(icons), 3, side, side), dtype=torch.uint8)
        texts = [coloured(icon.raw_svg, icon.primary_color, int(k)) for icon, k in zip(icons, labels, strict=True)]
        with ThreadPoolExecutor(WORKERS) as pool:
            for i, picture in enumerate(pool.map(lambda text: draw(text[0], text[1], side), texts)):
                out[i] = picture
                if i % 64 == 63 or i + 1 == len(texts):
                    request.progress("drawing icons", i + 1, len(texts))
        return Decoded(Census(count=len(icons)), out)

    drawn = remembered(request.root, key, folder, draw_all, size).samples
    assert drawn is not None, "pictures are kept"
    test = [int(hashlib.sha256(icon.title.encode()).hexdigest(), 16) % TEST_SHARE == 0 for icon in icons]
    rows = torch.tensor([i for i, each in enumerate(test) if each == (request.split == "test")])
    images, labels = drawn[rows], labels[rows]
    if request.channels:
        images = convert_channels(images, request.channels).contiguous()
    info = DataInfo(
        name=request.name, kind="images", shape=tuple(images.shape[1:]), classes=COLOUR_CLASSES, count=len(rows),
        split=request.split, digest=digest(images, labels),
    )  # fmt: skip
    return Dataset(info, {"images": images, "labels": labels})


def coloured(svg: str, colour: str, label: int) -> tuple[str, str]:
    """The text of an icon in its colour with a margin, and the background that it is drawn on."""
    box = f'viewBox="{-MARGIN} {-MARGIN} {24 + 2 * MARGIN} {24 + 2 * MARGIN}" fill="{colour}"'
    return svg.strip().replace(SHAPE, box), "black" if COLOUR_CLASSES[label] == "white" else "white"


def draw(svg: str, background: str, side: int) -> Tensor:
    """uint8 [3, side, side]."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side, background=background, skip_system_fonts=True)
    with Image.open(io.BytesIO(bytes(png))) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
