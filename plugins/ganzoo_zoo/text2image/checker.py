"""Reads pictures of shapes: their colour by their ink, their shape and size by the training image most like them."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganzoo.plugin import to_texts

SIDE = 32
"""Pixels of a side at which shapes are compared; larger pictures are averaged."""
FAINT = 0.2
"""Ink, as a share of all that there can be: a picture whose strongest is no more than this is empty. Of the strongest
ink: what is fainter is taken for the paper, which generators do not leave quite white."""
TOP = 0.02
"""The strongest ink of a picture is the mean of this share of its pixels, so that no single one decides."""
STRONG = 0.7
"""Pixels with more than this share of a picture's strongest ink tell its colour."""
PART = 500


def words_of(texts: Tensor) -> list[tuple[str, str, str]]:
    """(size, colour, shape) of texts such as "a small red star", int64 [N, L]."""
    words = (text.split() for text in to_texts(texts))
    return [(size, colour, shape) for _, size, colour, shape in words]


def ink_of(images: Tensor) -> tuple[Tensor, Tensor]:
    """(how much ink each pixel has as a share of the picture's strongest, [N, H, W]; the picture's strongest, [N]).

    Args:
        images: uint8 [N, 3, H, W], on white.
    """
    ink = 1 - images.float().amin(1) / 255
    pixels = ink.flatten(1)
    strongest = pixels.topk(max(1, round(TOP * pixels.shape[1])), 1).values.mean(1)
    share = ink / strongest.clamp_min(FAINT)[:, None, None]
    return ((share - FAINT) / (1 - FAINT)).clamp(0, 1), strongest


def colours_of(images: Tensor) -> Tensor:
    """The mean colour of the pixels with the most ink, [N, 3], 0 to 255."""
    ink, _ = ink_of(images)
    strong = (ink > STRONG).float()[:, None]
    return (images.float() * strong).sum((2, 3)) / strong.sum((2, 3)).clamp_min(1)


def centred(images: Tensor) -> Tensor:
    """The ink of pictures, its centre of mass in the middle to the nearest pixel: [N, SIDE * SIDE]."""
    ink, _ = ink_of(images)
    if ink.shape[1] != SIDE:
        ink = adaptive_avg_pool2d(ink[:, None], SIDE)[:, 0]
    place = torch.arange(SIDE, dtype=torch.float32)
    total = ink.sum((1, 2)).clamp_min(1e-6)
    rows = (ink.sum(2) * place).sum(1) / total
    columns = (ink.sum(1) * place).sum(1) / total
    middle = (SIDE - 1) / 2

    def moved(centre: Tensor) -> Tensor:
        return (torch.arange(SIDE)[None] + (centre - middle).round().long()[:, None]) % SIDE

    down, across = moved(rows), moved(columns)
    return ink[torch.arange(len(ink))[:, None, None], down[:, :, None], across[:, None]].flatten(1)


class Checker:
    """Fitted on training images.

    Args:
        images: uint8 [N, 3, H, W].
        texts: of each, int64 [N, L].
    """

    def __init__(self, images: Tensor, texts: Tensor) -> None:
        said = words_of(texts)
        self.colours = sorted({colour for _, colour, _ in said})
        self.forms = [(size, shape) for size, _, shape in said]
        self.maps = torch.cat([centred(part) for part in images.split(PART)])
        inks, number = colours_of(images), torch.tensor([self.colours.index(colour) for _, colour, _ in said])
        self.inks = torch.stack([inks[number == k].median(0).values for k in range(len(self.colours))])

    def read(self, images: Tensor) -> list[tuple[str, str, str]]:
        """(size, colour, shape) of pictures uint8 [N, 3, H, W]; empty words for an empty picture."""
        found = []
        for part in images.split(PART):
            colours = torch.cdist(colours_of(part), self.inks).argmin(1).tolist()
            nearest = torch.cdist(centred(part), self.maps).argmin(1).tolist()
            for colour, like, strongest in zip(colours, nearest, ink_of(part)[1].tolist(), strict=True):
                size, shape = self.forms[like]
                found.append((size, self.colours[colour], shape) if strongest > FAINT else ("", "", ""))
        return found

    def right(self, images: Tensor, texts: Tensor) -> Tensor:
        """Whether size, colour and shape are as the texts int64 [N, L] say: bool [N, 3]."""
        pairs = zip(self.read(images), words_of(texts), strict=True)
        return torch.tensor([[a == b for a, b in zip(seen, said, strict=True)] for seen, said in pairs])
