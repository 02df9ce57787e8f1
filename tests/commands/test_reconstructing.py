"""``ganzoo sample --input`` with an encoder: originals above reconstructions, and walks between images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.base import to_uint8
from ganzoo.models.walk import walk
from ganzoo.runs.trained import TrainedRun

from .conftest import Invoke
from .test_sample_command import pixels

SIDE, STEP = 16, 18


def trained(out: Path, variant: str, **more: object) -> Path:
    settings = {"steps": 2, "batch_size": 4, "width": 4, "device": "cpu", "resolution": SIDE, **more}
    return ganzoo.train(variant, "glyphs", out=out, **settings).path


@pytest.fixture(scope="module")
def coder_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("runs") / "bigan", "bigan")


@pytest.fixture(scope="module")
def told_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(
        tmp_path_factory.mktemp("runs") / "vaegan", "vaegan", conditional=True, steps=20, lr=0.01, ema_halflife=0
    )


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    folder = tmp_path / "digits"
    folder.mkdir()
    for i in range(5):
        array = np.random.default_rng(i).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
        Image.fromarray(array).save(folder / f"{i}.png")
    return folder


def cell(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    """One image of a grid."""
    top, left = 2 + row * STEP, 2 + column * STEP
    return sheet[top : top + SIDE, left : left + SIDE]


def images_in(folder: Path) -> torch.Tensor:
    return torch.stack([torch.from_numpy(pixels(file).copy())[None] for file in sorted(folder.iterdir())])


def test_originals_stand_above_what_is_drawn_of_their_latents(
    invoke: Invoke, coder_run: Path, digits: Path, tmp_path: Path
) -> None:
    done = invoke("sample", coder_run, "--input", digits, "--columns", "3")
    assert done.out == "reconstructions.png\n"
    sheet = pixels(tmp_path / "reconstructions.png")
    assert sheet.shape == (4 * STEP + 2, 3 * STEP + 2), "two rows of originals, each with one of reconstructions"
    run, images = TrainedRun(coder_run), images_in(digits)
    with torch.no_grad():
        again = to_uint8(run.generator()(run.encode(images)))
    for i in range(5):
        row, column = 2 * (i // 3), i % 3
        assert (cell(sheet, row, column) == images[i, 0].numpy()).all()
        assert np.abs(cell(sheet, row + 1, column).astype(int) - again[i, 0].numpy().astype(int)).max() <= 1
    assert (cell(sheet, 2, 2) == 128).all(), "there is no sixth image"
    with Image.open(tmp_path / "reconstructions.png") as picture:
        assert picture.text["ganzoo.run"] == "bigan"  # type: ignore[attr-defined]  # of PNG
        assert "ganzoo.seed" not in picture.text  # type: ignore[attr-defined]


def test_n_is_how_many_and_files_may_be_named(invoke: Invoke, coder_run: Path, digits: Path, tmp_path: Path) -> None:
    invoke("sample", coder_run, "--input", digits, "-n", "2", "--output", "two.png")
    assert pixels(tmp_path / "two.png").shape == (2 * STEP + 2, 2 * STEP + 2)
    invoke("sample", coder_run, "--input", digits / "4.png", "--input", digits / "0.png", "--output", "named.png")
    sheet = pixels(tmp_path / "named.png")
    assert (cell(sheet, 0, 0) == pixels(digits / "4.png")).all()
    assert (cell(sheet, 0, 1) == pixels(digits / "0.png")).all()


def test_a_class_is_named_where_the_generator_is_told_one(
    invoke: Invoke, told_run: Path, digits: Path, tmp_path: Path
) -> None:
    said = invoke("sample", told_run, "--input", digits, code=2).err
    assert "this generator is told a class: add --class K, or all for a row of each" in said
    invoke("sample", told_run, "--input", digits, "--class", "all", "--output", "all.png")
    sheet = pixels(tmp_path / "all.png")
    assert sheet.shape == (11 * STEP + 2, 5 * STEP + 2)
    invoke("sample", told_run, "--input", digits, "--class", "7", "--output", "seven.png")
    assert (cell(pixels(tmp_path / "seven.png"), 1, 2) == cell(sheet, 8, 2)).all()


def test_a_walk_goes_from_image_to_image(invoke: Invoke, coder_run: Path, digits: Path, tmp_path: Path) -> None:
    three = [word for i in range(3) for word in ("--input", digits / f"{i}.png")]
    invoke("sample", coder_run, *three, "--interpolate", "linear", "-n", "9", "--output", "walk.png")
    sheet = pixels(tmp_path / "walk.png")
    assert sheet.shape == (2 * STEP + 2, 9 * STEP + 2)
    run, images = TrainedRun(coder_run), images_in(digits)[:3]
    latents = run.encode(images)
    walked = to_uint8(walk(run.generator(), 1, 9, "linear", through=latents[None]))
    between = latents[0] + 0.75 * (latents[1] - latents[0])
    with torch.no_grad():
        torch.testing.assert_close(walked[3].int(), to_uint8(run.generator()(between[None]))[0].int(), atol=1, rtol=0)
    for column in range(9):
        assert (cell(sheet, 1, column) == walked[column, 0].numpy()).all()
        original = images[column // 4, 0].numpy() if column % 4 == 0 else 128
        assert (cell(sheet, 0, column) == original).all()


def test_a_walk_of_a_told_class_and_as_a_film(invoke: Invoke, told_run: Path, digits: Path, tmp_path: Path) -> None:
    invoke("sample", told_run, "--input", digits, "--interpolate", "--class", "3")
    assert pixels(tmp_path / "samples.png").shape == (2 * STEP + 2, (11 * 4 + 1) * STEP + 2)
    words = ("--interpolate", "--class", "3", "--frames", "10", "--output", "walk.gif")
    invoke("sample", told_run, "--input", digits / "0.png", "--input", digits / "1.png", *words)
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == 10  # type: ignore[attr-defined]  # of GIF
    wrong = invoke(
        "sample", told_run, "--input", digits, "--interpolate", "--class", "all", "--output", "all.png", code=2
    ).err
    assert wrong.endswith("is told a class: add --class K.\n")


WRONG = {
    "nothing there": (("--input", "none.png"), "--input none.png: no such file or folder"),
    "one image": (("--input", "digits/0.png", "--interpolate"), "is the only one, name two with --input"),
    "a seed": (("--input", "digits", "--seed", "3"), "--seed does not go with --input"),
    "a morph": (("--input", "digits", "--morph", "1,2"), "--morph does not go with --input"),
    "a class": (("--input", "digits", "--class", "1"), "was trained without labels"),
    "a tile": (("--input", "digits", "--tile", "8"), "--tile 8 is for networks that turn images into images"),
    "a folder": (("--input", "digits", "--output", "out"), "is drawn as a FILE.png"),
    "an array": (("--input", "digits", "--output", "x.npy"), "is drawn as a FILE.png"),
    "a film of nothing": (("--input", "digits", "--output", "x.gif"), "a film shows a walk"),
    "columns of a walk": (("--input", "digits", "--interpolate", "--columns", "2"), "is for grids"),
    "too few steps": (("--input", "digits", "--interpolate", "-n", "3"), "has at least as many steps"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(case: str, invoke: Invoke, coder_run: Path, digits: Path, tmp_path: Path) -> None:
    words, message = WRONG[case]
    assert message in invoke("sample", coder_run, *words, code=2).err
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_what_cannot_be_read_and_what_has_no_encoder(
    invoke: Invoke, coder_run: Path, plain_run: Path, digits: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.png").write_text("no image")
    assert "text.png cannot be read" in invoke("sample", coder_run, "--input", "text.png", code=1).err
    assert "it translates no images" in invoke("sample", plain_run, "--input", digits, code=2).err
    weights = coder_run / "generator.safetensors"
    assert "it translates no images" in invoke("sample", weights, "--input", digits, code=2).err


def test_translators_take_one_input(invoke: Invoke, digits: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", "srgan", resolution=32, blocks=1, metrics="")
    two = ("--input", digits / "0.png", "--input", digits / "1.png")
    assert "one image or one folder is translated at a time" in invoke("sample", run, *two, code=2).err
