"""The picture of an arithmetic of latents, laid out as figure 7 of arXiv:1511.06434."""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganzoo.data.resize import convert_channels
from ganzoo.errors import UsageError
from ganzoo.models.latents import AROUND, Sum, Term
from ganzoo.models.variant import Variant
from ganzoo.report.pictures import drawn, to_image

SIDE = 64
"""Samples are magnified by a whole factor to at least this side."""
GAP, SIGN, LINE = 6, 32, 18
"""Pixels between pictures, for a sign, for a line of text."""


def picture_of_sum(variant: Variant, terms: Sequence[Term], found: Sum, title: str = "") -> Image.Image:
    """A column a term: its samples, beneath them the sample of their mean; at the right the result with noise around.

    Raises:
        UsageError: samples that are drawn together, such as points.
    """
    together = [*found.parts, torch.stack(found.means), found.around]
    flat = drawn(variant, torch.cat(together))
    if len(flat) != sum(len(part) for part in together):
        raise UsageError(f"--arithmetic: {variant.data.kind} are drawn together; there is no picture of one of them.")
    flat = convert_channels(flat, 3)
    tiles = [magnified(image) for image in flat]
    width, height = tiles[0].size
    parts = [tiles[i : i + len(term.seeds)] for i, term in zip(starts(terms), terms, strict=True)]
    means, around = tiles[-9 - len(terms) : -9], tiles[-9:]
    step, most = height + LINE, max(len(term.seeds) for term in terms)
    below = GAP + LINE + max(most * step, 3 * (height + GAP) - height)  # where the means begin
    total = below + height + LINE + GAP
    columns = len(terms) * (SIGN + width)
    sheet = Image.new("RGB", (columns + SIGN + 3 * (width + GAP) + GAP, total), "white")
    pen, font, large = ImageDraw.Draw(sheet), ImageFont.load_default(12), ImageFont.load_default(24)
    if title:
        pen.text((GAP, 3), title, "black", font)
    left = 0
    for i, term in enumerate(terms):
        x, y = left + SIGN / 2, below + height / 2
        if term.sign < 0:
            pen.line((x - 6, y, x + 6, y), "black", 2)  # the font has no minus
        elif i:
            pen.text((x, y), "+", "black", large, anchor="mm")
        left += SIGN
        for row, (seed, tile) in enumerate(zip(term.seeds, parts[i], strict=True)):
            top = GAP + LINE + row * step
            sheet.paste(tile, (left, top))
            pen.text((left + width / 2, top + height + 2), f"seed {seed}", "dimgrey", font, anchor="ma")
        sheet.paste(means[i], (left, below))
        pen.text((left + width / 2, below + height + 2), "mean", "black", font, anchor="ma")
        left += width
    pen.text((left + SIGN / 2, below + height / 2), "=", "black", large, anchor="mm")
    left += SIGN
    top = below + height - 3 * height - 2 * GAP  # the last row stands beside the means
    for i, tile in enumerate(around):
        place = left + i % 3 * (width + GAP), top + i // 3 * (height + GAP)
        sheet.paste(tile, place)
        if i == 4:
            x, y = place
            pen.rectangle((x - 3, y - 3, x + width + 2, y + height + 2), outline="firebrick", width=2)
    middle = left + (3 * width + 2 * GAP) / 2
    pen.text((middle, below + height + 2), f"result, and \u00b1{AROUND:g} around", "black", font, anchor="ma")
    return sheet


def starts(terms: Sequence[Term]) -> list[int]:
    """At which sample each term begins."""
    return [sum(len(term.seeds) for term in terms[:i]) for i in range(len(terms))]


def magnified(image: Tensor) -> Image.Image:
    """uint8 [3, H, W] as a picture whose sides are at least :data:`SIDE`."""
    picture = to_image(image)
    factor = max(1, -(-SIDE // min(picture.size)))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
