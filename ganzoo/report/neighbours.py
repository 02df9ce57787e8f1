"""Pictures of what samples resemble among the images that were trained on: nearest neighbours, and the panel of the
first GAN paper (arXiv:1406.2661, figure 2)."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.device import exact_arithmetic
from ganzoo.errors import UsageError
from ganzoo.files import replace_file
from ganzoo.metrics.base import Exam
from ganzoo.metrics.neighbours import nearest, nearest_features
from ganzoo.metrics.recogniser import shipped
from ganzoo.report.grid import grid, to_image

SAMPLES = 10
"""Rows of the picture of neighbours."""
SHOWN = 5
"""Neighbours by pixels, and as many by features."""
ROWS, COLUMNS = 5, 6
GAP, BORDER = 2, 2
YELLOW = (255, 210, 0)
MIN_SIDE = 56


def refuse(exam: Exam) -> None:
    """Raise UsageError for what draws no images, DataError for what has too few, before anything is computed."""
    if reason := exam.subject.lacks("images"):
        raise UsageError(f"a picture of neighbours: {reason}.")
    exam.subject.refuse_few(max(SAMPLES, ROWS * COLUMNS))
    exam.reference()


def images_of(exam: Exam, count: int) -> Tensor:
    """The first ``count`` samples, uint8 [N, C, H, W]."""
    refuse(exam)
    with exact_arithmetic(exam.device):
        return torch.cat(list(exam.samples(count)))


def draw_neighbours(exam: Exam, path: Path) -> None:
    """Each row: a sample (framed), its nearest training images by pixels, then by features if there is a recogniser."""
    samples, train = images_of(exam, SAMPLES), exam.reference()
    columns = [samples[:, None], _fetch(exam, nearest(samples, train, SHOWN).index)]
    if exam.against in shipped() and (extractor := exam.extractor(exam.against)).shape == exam.subject.shape:
        own = extractor.extract(iter([samples]), len(samples), "features of samples")["features"]
        real, _ = exam.reference_features(extractor)
        columns.append(_fetch(exam, nearest_features(own, real, SHOWN).index))
    sheet = torch.cat(columns, dim=1)
    _save(path, sheet, framed=[0])


def draw_panel(exam: Exam, path: Path) -> None:
    """Samples, not chosen, and in a last, framed column the training image nearest to the sample beside it."""
    samples = images_of(exam, ROWS * COLUMNS).unflatten(0, (ROWS, COLUMNS))
    found = nearest(samples[:, -1], exam.reference()).index
    _save(path, torch.cat([samples, _fetch(exam, found)], dim=1), framed=[COLUMNS])


def _fetch(exam: Exam, index: Tensor) -> Tensor:
    """Training images [N, k, C, H, W] of indices [N, k]."""
    return exam.reference().source.fetch(index.flatten()).cpu().unflatten(0, tuple(index.shape))


def _save(path: Path, images: Tensor, framed: list[int]) -> None:
    """Write images [R, K, C, H, W] as a grid; the columns in ``framed`` have a yellow border."""
    rows, columns, channels, height, width = images.shape
    colour = images.expand(-1, -1, 3, -1, -1) if channels == 1 else images
    canvas = torch.full((rows, columns, 3, height + 2 * BORDER, width + 2 * BORDER), 128, dtype=torch.uint8)
    for column in framed:
        canvas[:, column] = torch.tensor(YELLOW, dtype=torch.uint8)[:, None, None]
    canvas[..., BORDER : BORDER + height, BORDER : BORDER + width] = colour
    picture = to_image(grid(canvas.flatten(0, 1), columns, GAP, MIN_SIDE))
    replace_file(path, lambda temporary: picture.save(temporary, format="PNG"))


DRAWERS: dict[str, Callable[[Exam, Path], None]] = {"neighbours": draw_neighbours, "panel": draw_panel}
