"""Data that is drawn on the spot."""

from ganzoo.registry.specs import DatasetSpec

DIGITS = tuple("0123456789")
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "arrow")

DATASETS: tuple[DatasetSpec, ...] = (
    DatasetSpec(
        name="glyphs",
        load="ganzoo.data.drawn.glyphs:load",
        summary="digits drawn on the spot: random slant, weight, place and size; any resolution, grey or RGB",
        classes=DIGITS,
        shape=(1, 28, 28),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
    DatasetSpec(
        name="ring",
        load="ganzoo.data.drawn.toys:load",
        summary="8 Gaussians on a circle: lost modes can be counted",
        paper="arXiv:1705.07761",
        samples="points",
        shape=(2,),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
    DatasetSpec(
        name="grid",
        load="ganzoo.data.drawn.toys:load",
        summary="25 Gaussians on a 5x5 grid: lost modes can be counted",
        paper="arXiv:1705.07761",
        samples="points",
        shape=(2,),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
    DatasetSpec(
        name="gaussian1d",
        load="ganzoo.data.drawn.toys:load",
        summary="one Gaussian on a line, as in the figure of the first GAN paper",
        paper="arXiv:1406.2661, figure 1",
        samples="points",
        shape=(1,),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
    DatasetSpec(
        name="shapes",
        load="ganzoo.data.drawn.shapes:load",
        summary="pairs drawn on the spot: coloured outlines and filled shapes, with masks and captions; any resolution",
        provides=("images", "target", "mask", "text", "attributes"),
        classes=SHAPES,
        shape=(3, 32, 32),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
    DatasetSpec(
        name="shapes-filled",
        load="ganzoo.data.drawn.shapes:load",
        summary="coloured shapes drawn on the spot, with captions such as 'a small red star'; any resolution",
        provides=("images", "mask", "text", "attributes"),
        classes=SHAPES,
        shape=(3, 32, 32),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
)
