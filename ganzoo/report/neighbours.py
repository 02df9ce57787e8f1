"""Pictures of what samples resemble among the images that were trained on: nearest neighbours, and the panel of the
first GAN paper (arXiv:1406.2661, figure 2)."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.resize import convert_channels
from ganzoo.errors import UsageError
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.feature_classifier import shipped
from ganzoo.metrics.measures.neighbours import nearest, nearest_features
from ganzoo.report.pictures import grid, to_image
from ganzoo.runtime.device import exact_arithmetic
from ganzoo.runtime.files import replace_file

SAMPLES = 10
"""Rows of the picture of neighbours."""
SHOWN = 5
"""Neighbours by pixels, and as many by features."""
ROWS, COLUMNS = 5, 6
GAP, BORDER = 2, 2
YELLOW = (255, 210, 0)
MIN_SIDE = 56


def refuse(context: EvaluationContext) -> None:
    """Raise UsageError for what draws no images, DataError for what has too few, before anything is computed."""
    if reason := context.target.missing_for("images"):
        raise UsageError(f"a picture of neighbours: {reason}.")
    context.target.refuse_few(max(SAMPLES, ROWS * COLUMNS))
    context.reference()


def images_of(context: EvaluationContext, count: int) -> Tensor:
    """The first ``count`` samples, uint8 [N, C, H, W]."""
    refuse(context)
    with exact_arithmetic(context.device):
        return torch.cat(list(context.samples(count)))


def draw_neighbours(context: EvaluationContext, path: Path) -> None:
    """Each row: a sample (framed), its nearest training images by pixels, then by features where they are known."""
    samples, train = images_of(context, SAMPLES), context.reference()
    columns = [samples[:, None], _fetch(context, nearest(samples, train, SHOWN).index)]
    if context.against in shipped() and (extractor := context.extractor(context.against)).shape == context.target.shape:
        own = extractor.extract(iter([samples]), len(samples), "features of samples")["features"]
        real, _ = context.reference_features(extractor)
        columns.append(_fetch(context, nearest_features(own, real, SHOWN).index))
    sheet = torch.cat(columns, dim=1)
    _save(path, sheet, framed=[0])


def draw_panel(context: EvaluationContext, path: Path) -> None:
    """Samples, not chosen, and in a last, framed column the training image nearest to the sample beside it."""
    samples = images_of(context, ROWS * COLUMNS).unflatten(0, (ROWS, COLUMNS))
    found = nearest(samples[:, -1], context.reference()).index
    _save(path, torch.cat([samples, _fetch(context, found)], dim=1), framed=[COLUMNS])


def _fetch(context: EvaluationContext, index: Tensor) -> Tensor:
    """Training images [N, k, C, H, W] of indices [N, k]."""
    return context.reference().source.fetch(index.flatten()).cpu().unflatten(0, tuple(index.shape))


def _save(path: Path, images: Tensor, framed: list[int]) -> None:
    """Write images [R, K, C, H, W] as a grid, RGBA on white; the columns in ``framed`` have a yellow border."""
    rows, columns, _, height, width = images.shape
    colour = convert_channels(images.flatten(0, 1), 3).unflatten(0, (rows, columns))
    canvas = torch.full((rows, columns, 3, height + 2 * BORDER, width + 2 * BORDER), 128, dtype=torch.uint8)
    for column in framed:
        canvas[:, column] = torch.tensor(YELLOW, dtype=torch.uint8)[:, None, None]
    canvas[..., BORDER : BORDER + height, BORDER : BORDER + width] = colour
    picture = to_image(grid(canvas.flatten(0, 1), columns, GAP, MIN_SIDE))
    replace_file(path, lambda temporary: picture.save(temporary, format="PNG"))


DRAWERS: dict[str, Callable[[EvaluationContext, Path], None]] = {"neighbours": draw_neighbours, "panel": draw_panel}
