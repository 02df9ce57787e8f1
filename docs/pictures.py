"""Draws the pictures of the documentation that come from data, and those of translated test pictures.

python docs/pictures.py
python docs/pictures.py bench/translation/runs      # of the runs that are there, or of bench/race/runs, or runs
ganzoo bench docs/samples.toml && python docs/pictures.py bench/samples/runs     # first looks, for the cards
ganzoo bench benchmarks/presets.toml && python docs/pictures.py bench/presets/runs

The others come from `ganzoo sample`. Test pictures are taken from all over the split, none chosen.
"""

import sys
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

import ganzoo
from ganzoo.bench.suite import find, read
from ganzoo.data.base import DataRequest, to_unit
from ganzoo.data.drawn import glyphs, solids
from ganzoo.data.kinds import render
from ganzoo.data.kinds.voxels import draw_voxels
from ganzoo.data.load import load_dataset
from ganzoo.data.packages.installed import missing_packages
from ganzoo.data.specs import own_spec
from ganzoo.data.store import data_root
from ganzoo.models.edit import editor_of
from ganzoo.models.interfaces import Translator
from ganzoo.models.translate import translate
from ganzoo.registry.registry import registry
from ganzoo.report.pictures import save_picture
from ganzoo.runs.trained import open_networks

IMAGES = Path(__file__).parent / "images"
SUITES = Path(__file__).parents[1] / "benchmarks"
COLUMNS = 12
ZOO = {
    "cgan-mnist": 302, "cgan-fashion-mnist": 302, "pix2pix-openmoji": 398, "cyclegan-earth": 398,
    "stackgan-texts": 274, "logan": 410, "3dgan-classes": 570, "icgan-avatars": 206,
}  # fmt: skip
"""Pictures of the documentation, and the side of the corner of each that ``zoo.png`` shows."""
TILE, GAP = 208, 6


def save_fields(name: str, *fields: str) -> None:
    """Samples from all over the test split of a data set, a row for each field."""
    found = registry().datasets.load(name)(DataRequest(name=name, root=data_root(), split="test"))
    examples = found.examples(COLUMNS)
    rows = [examples[field].expand(-1, 3, -1, -1) for field in fields]
    save_picture(IMAGES / f"{name}.png", torch.cat(rows), COLUMNS)


def save_tones() -> None:
    """Test tones as they are drawn, twelve of each of six pitch classes: whole tones from C on."""
    found = registry().datasets.load("tones")(DataRequest(name="tones", root=data_root(), split="test"))
    classes = len(found.info.classes)
    chosen = torch.arange(classes * COLUMNS).reshape(COLUMNS, classes)[:, ::2].T.flatten()
    save_picture(IMAGES / "tones.png", render(found.source.fetch(chosen), found.info), COLUMNS)


def save_tunes() -> None:
    """Piano rolls of folk songs from all over the test split; nothing where their package is not installed."""
    if missing_packages(own_spec("tunes")):
        return
    found = registry().datasets.load("tunes")(DataRequest(name="tunes", root=data_root(), split="test"))
    pictures = render(found.examples(COLUMNS)["images"], found.info)
    save_picture(IMAGES / "tunes.png", to_unit(pictures), 3)


EDITED = ("glasses", "hat", "long-hair", "bright-hair")
PIX2PIX = ("L1-alone", "L1-and-GAN", "conditional-GAN-alone", "L1-and-conditional-GAN")


def save_translations(runs: Path) -> None:
    """Rows of test pictures: the input, what each run makes of it, and the target."""
    for dataset in ("openmoji", "earth"):
        pairs = registry().datasets.load(dataset)(DataRequest(name=dataset, root=data_root(), split="test"))
        examples = pairs.examples(COLUMNS)
        images, target = (examples[field] for field in ("images", "target"))
        found = [runs / f"{label}-{dataset}-s0" for label in PIX2PIX]
        rows = [ganzoo.open_run(run).translate(images) for run in found if run.exists()]
        if rows:
            save_rows(f"pix2pix-{dataset}", [images, *rows, target])
        for label in ("cyclegan", "cyclegan-narrow"):
            run = runs / f"{label}-{dataset}-s0"
            if run.exists():
                trained = ganzoo.open_run(run)
                there, here = trained.translate(images, "a2b"), trained.translate(target, "b2a")
                again = trained.translate(there, "b2a")
                save_rows(f"cyclegan-{dataset}", [images, there, again, target, here, trained.translate(here, "a2b")])


def save_shipped() -> None:
    """Rows of test pictures of two data sets: the input, what the shipped weights make of it, the target."""
    rows = []
    for dataset in ("openmoji", "earth"):
        pairs = registry().datasets.load(dataset)(
            DataRequest(name=dataset, root=data_root(), resolution=64, split="test")
        )
        network, examples = ganzoo.load(f"zoo:pix2pix-{dataset}"), pairs.examples(COLUMNS)
        assert isinstance(network, Translator), "pix2pix"
        rows += [examples["images"], translate(network, examples["images"]), examples["target"]]
    save_rows("pix2pix-shipped", rows)


ON_CARDS = ("r3gan", "projection", "stylegan2", "ebgan", "began")
"""Those of the race whose cards show samples of it: they trained for longer than for a first look."""


def save_race(runs: Path) -> None:
    """A row of samples of each run of the suite ``race``, in its order; three of the rows are on cards too."""
    labels = [job.name for job in read(find("race"), "race").jobs]
    found = [runs / label for label in labels if (runs / label / "generator.safetensors").exists()]
    if found:
        print("race.png:", ", ".join(run.name for run in found))
        save_rows("race", [ganzoo.open_run(run).sample(COLUMNS) for run in found])
    for name in ON_CARDS:
        if (runs / f"{name}-mnist-s0" / "generator.safetensors").exists():
            save_rows(f"race-{name}", [ganzoo.open_run(runs / f"{name}-mnist-s0").sample(COLUMNS)])


def save_first_looks(runs: Path) -> None:
    """Samples of each run of ``samples.toml``, seed 0, classes in turn: `ganzoo sample RUN -n 60 --columns 10`."""
    for job in read(Path(__file__).with_name("samples.toml"), "samples").jobs:
        if (runs / job.name / "generator.safetensors").exists():
            save_picture(IMAGES / f"first-{job.variant}.png", to_unit(ganzoo.open_run(runs / job.name).sample(60)), 10)


def save_presets(runs: Path) -> None:
    """A corner of the last samples of each run of ``presets.toml``, in its order, seven in a row."""
    found = [(job.name, sorted((runs / job.name / "samples").glob("step-*.png")))
             for job in read(SUITES / "presets.toml", "presets").jobs]  # fmt: skip
    if missing := [name for name, pictures in found if not pictures]:
        sys.exit(f"no samples of {', '.join(missing)} in {runs}")
    side, tiles = 160, []
    for _, pictures in found:
        with Image.open(pictures[-1]) as picture:
            corner = picture.convert("RGB").crop((0, 0, min(side, picture.width), min(side, picture.height)))
        tiles.append(corner)
    save_sheet("presets", tiles, side, 7)


def save_edits(runs: Path) -> None:
    """Test faces, the same drawn again, and with one attribute turned over in each further row."""
    run = runs / "icgan-avatars-s0"
    if not run.exists():
        return
    _, networks = open_networks(run)
    editor = editor_of(networks)
    assert editor is not None, "icgan has what an edit takes"
    faces = registry().datasets.load("avatars")(DataRequest(name="avatars", root=data_root(), split="test"))
    examples = faces.examples(COLUMNS)
    images = to_unit(examples["images"])
    names, rows = faces.info.extra["attributes"], [images, editor.edit(images, {})]
    for name in EDITED:
        column = names.index(name)
        turned = [editor.edit(image[None], {column: 1 - float(has[column])})
                  for image, has in zip(images, examples["attributes"], strict=True)]  # fmt: skip
        rows.append(torch.cat(turned))
    save_rows("icgan-avatars", rows)


def save_finetuned(runs: Path) -> None:
    """Training images of the runs of ``benchmarks/finetune.toml``, and a row of samples of each, in its order."""
    labels = [job.name for job in read(SUITES / "finetune.toml", "finetune").jobs]
    found = [runs / label for label in labels if (runs / label / "generator.safetensors").exists()]
    if not found:
        return
    print("finetune.png: training images,", ", ".join(run.name for run in found))
    config = ganzoo.open_run(found[0]).config
    images = load_dataset(config.dataset, config).examples(COLUMNS)["images"]
    save_rows("finetune", [images, *(ganzoo.open_run(run).sample(COLUMNS) for run in found)])


def save_zoo() -> None:
    """Corners of pictures that are there, four in a row: what the README begins with."""
    tiles = []
    for name, side in ZOO.items():
        with Image.open(IMAGES / f"{name}.png") as picture:
            corner = picture.convert("RGB").crop((0, 0, side, side))
        tiles.append(corner.resize((TILE, TILE), Image.Resampling.LANCZOS))
    save_sheet("zoo", tiles, TILE, 4)


def save_sheet(name: str, tiles: list[Image.Image], side: int, across: int) -> None:
    """Tiles of at most ``side`` pixels, so many in a row, on white."""
    step, down = side + GAP, -(-len(tiles) // across)
    sheet = Image.new("RGB", (across * step - GAP, down * step - GAP), "white")
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % across * step, place // across * step))
    sheet.quantize(256).save(IMAGES / f"{name}.png", optimize=True)


def save_rows(name: str, rows: list[Tensor]) -> None:
    """Pictures [COLUMNS, C, H, W] in rows, grey ones as RGB."""
    values = [to_unit(row).float().expand(-1, 3, -1, -1) for row in rows]
    save_picture(IMAGES / f"{name}.png", torch.cat(values), COLUMNS)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        runs = Path(sys.argv[1])
        if runs.parent.name == "samples":  # as in the suite "race" there is a run for each variant, and all are others
            save_first_looks(runs)
        elif runs.parent.name == "presets":
            save_presets(runs)
        else:
            save_translations(runs)
            save_race(runs)
            save_finetuned(runs)
            save_edits(runs)
        sys.exit()
    digits = glyphs.load(DataRequest(name="glyphs", root=Path(), resolution=32, channels=3))
    save_picture(IMAGES / "glyphs.png", to_unit(digits.source.fetch(torch.arange(40))), 10)
    save_fields("shapes", "images", "target", "mask")
    save_tones()
    shapes = solids.load(DataRequest(name="solids", root=Path(), split="test"))
    some = torch.arange(100).view(10, 10).t()[:, :8]  # classes take turns
    save_picture(IMAGES / "solids.png", draw_voxels(shapes.source.fetch(some.flatten())), 8)
    save_fields("openmoji", "images", "target")
    save_fields("earth", "images", "target")
    save_fields("avatars", "images")
    save_tunes()
    save_shipped()
    save_zoo()
