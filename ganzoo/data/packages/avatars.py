"""``avatars``: drawn faces with known attributes, from the style "Pixel Art" of the package dicebear-styles (CC0), put
together by dicebear-core and drawn by resvg.

The attributes of a face are drawn first, independently of each other; everything else about it follows from its seed.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.images.facts import Census
from ganzoo.data.images.remember import Decoded, remembered
from ganzoo.data.packages.installed import file_of, require
from ganzoo.data.resize import check_request, convert_channels
from ganzoo.data.specs import own_spec
from ganzoo.errors import ConfigError

DEFAULT_RESOLUTION = 32
"""The style has 16x16 squares."""
COUNTS = {"train": 20_000, "test": 2_000}
VERSION = 1
"""Of the choice and the drawing of faces: raised when the same packages give other pictures."""
SHARES = {"glasses": 0.5, "beard": 0.3, "hat": 0.3, "earrings": 0.4, "long-hair": 0.5, "smile": 0.5, "bright-hair": 0.3}
"""The attributes, and how many faces have each."""
PARTS = {"glasses": "glasses", "beard": "beard", "hat": "hat", "earrings": "accessories"}
"""Attributes that are a part of the drawing, by its name in the style."""
BRIGHT = ("#009bbd", "#bd1700", "#91cb15")
"""The style's blue, red and green hair."""


def load(request: DataRequest) -> Dataset:
    """Faces [3, H, W], by default 32x32, with the field ``attributes`` float32 [N, 7], each 0 or 1.

    Raises:
        DataMissingError: the packages are not installed.
        ConfigError: a resolution at which they do not fit into memory.
    """
    spec = own_spec("avatars")
    check_request(request, spec)
    versions = require(spec)
    path = file_of("dicebear-styles", "dicebear_styles/pixel-art.json")
    side, count = request.resolution or DEFAULT_RESOLUTION, COUNTS[request.split]
    size = count * 3 * side * side
    if size > request.memory:
        raise ConfigError(f"resolution = {side}: {count:,} avatars of this size do not fit into memory.")
    attributes = attributes_of(request.split, count)
    said = f"{VERSION} {side} {count} {request.split} {sorted(versions.items())}"
    key = hashlib.sha256(f"avatars {said} {path}".encode()).hexdigest()[:32]
    draw = partial(_draw_all, request, path.read_text(encoding="utf-8"), attributes, side)
    images = remembered(request.root, key, path, draw, size).samples
    assert images is not None, "pictures are kept"
    if request.channels:
        images = convert_channels(images, request.channels).contiguous()
    info = DataInfo(
        name=request.name,
        kind="images",
        shape=tuple(images.shape[1:]),
        count=count,
        split=request.split,
        digest=digest(images, attributes),
        extra={"attributes": list(SHARES)},
    )
    return Dataset(info, {"images": images, "attributes": attributes})


def attributes_of(split: str, count: int) -> Tensor:
    """0 or 1 for each face and attribute, float32 [count, 7]."""
    rng = torch.Generator().manual_seed(sorted(COUNTS).index(split))
    return torch.bernoulli(torch.tensor(list(SHARES.values())).expand(count, -1), generator=rng)


def choices(definition: Mapping[str, Any], has: Mapping[str, bool]) -> dict[str, Any]:
    """What dicebear is to choose from, so that a face has these attributes and no others."""
    parts, colours = definition["components"], definition["colors"]["hair"]["values"]
    lengths = [name for name in parts["hair"]["variants"] if name.startswith("long") == has["long-hair"]]
    mouths = [name for name in parts["mouth"]["variants"] if name.startswith("happy") == has["smile"]]
    return {
        **{f"{part}Probability": 100 * has[name] for name, part in PARTS.items()},
        "hairVariant": lengths,
        "mouthVariant": mouths,
        "hairColor": [colour for colour in colours if (colour in BRIGHT) == has["bright-hair"]],
    }


def _draw_all(request: DataRequest, text: str, attributes: Tensor, side: int) -> Decoded:
    """uint8 [N, 3, side, side], by the style's definition in JSON."""
    from dicebear import Avatar, Style

    definition = json.loads(text)
    style = Style(definition)
    out = torch.empty((len(attributes), 3, side, side), dtype=torch.uint8)
    for i, row in enumerate(attributes.bool().tolist()):
        chosen = choices(definition, dict(zip(SHARES, row, strict=True)))
        out[i] = drawn(Avatar(style, {"seed": f"{request.split}-{i}", **chosen}).to_string(), side)
        if i % 256 == 255 or i + 1 == len(out):
            request.progress("drawing avatars", i + 1, len(out))
    return Decoded(Census(count=len(out)), out)


def drawn(svg: str, side: int) -> Tensor:
    """An SVG on white, uint8 [3, side, side]."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side, background="white", skip_system_fonts=True)
    with Image.open(io.BytesIO(bytes(png))) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
