"""Data that is drawn on the spot."""

from ganzoo.registry.specs import DatasetSpec

EMBEDDED = "glyphs"
"""The data set trained on when none is named: it needs no download."""
DIGITS = tuple("0123456789")
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "arrow")
PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SOLIDS = ("bed", "bottle", "car", "chair", "house", "lamp", "mug", "plane", "sofa", "table")

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
        name="tones",
        load="ganzoo.data.drawn.tones:load",
        summary="musical tones drawn on the spot: three octaves, four timbres, 16 kHz; any length",
        samples="waves",
        classes=PITCHES,
        shape=(1, 4096),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
    DatasetSpec(
        name="melodies",
        load="ganzoo.data.drawn.melodies:load",
        summary="short tunes in C major, made up on the spot, as notes: length, pitch, intensity, gap",
        samples="sequences",
        shape=(8, 4),
        splits=("train", "test"),
        licence="drawn by ganzoo itself",
    ),
    DatasetSpec(
        name="solids",
        load="ganzoo.data.drawn.solids:load",
        summary="furniture and other shapes in voxels, of ten classes, drawn on the spot; 16 to 64 a side",
        samples="voxels",
        classes=SOLIDS,
        shape=(1, 32, 32, 32),
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
