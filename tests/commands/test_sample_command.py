"""ganzoo sample: grids, single images, classes, interpolations."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.base import to_uint8
from ganzoo.models.interfaces import Generator
from ganzoo.models.walk import walk

from .conftest import Invoke


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_grid_is_the_samples_side_by_side(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    done = invoke("sample", plain_run, "-n", "6", "--columns", "3", "--seed", "4")
    assert done.out == "samples.png\n"
    sheet = pixels(tmp_path / "samples.png")
    assert sheet.shape == (2 * 30 + 2, 3 * 30 + 2)
    images = to_uint8(ganzoo.load(plain_run).sample(6, seed=4))
    for i, image in enumerate(images):
        top, left = 2 + i // 3 * 30, 2 + i % 3 * 30
        assert (sheet[top : top + 28, left : left + 28] == image[0].numpy()).all()


def test_seeds_repeat_and_differ(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        invoke("sample", plain_run, "-n", "4", "--seed", seed, "--output", f"{name}.png")
    a, b, c = (pixels(tmp_path / f"{name}.png") for name in "abc")
    assert (a == b).all()
    assert (a != c).any()


def test_a_weights_file_draws_what_its_run_draws(invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    shutil.copy(labelled_run / "generator.safetensors", "alone.safetensors")
    invoke("sample", "alone.safetensors", "-n", "4", "--output", "a.png")
    invoke("sample", labelled_run, "-n", "4", "--output", "b.png")
    assert (pixels(tmp_path / "a.png") == pixels(tmp_path / "b.png")).all()


def test_single_images_go_to_folders_of_their_class(invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    invoke("sample", labelled_run, "--class", "3", "-n", "5", "--output", "threes")
    found = sorted(str(p.relative_to(tmp_path)) for p in (tmp_path / "threes").rglob("*.png"))
    assert found == [f"threes/3/{i:05d}.png" for i in range(5)]
    expected = to_uint8(ganzoo.load(labelled_run).sample(5, 3))
    assert (pixels(tmp_path / found[4]) == expected[4, 0].numpy()).all()


def test_all_classes_make_one_row_each(invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    invoke("sample", labelled_run, "--class", "all", "-n", "4", "--output", "all.png")
    assert pixels(tmp_path / "all.png").shape == (10 * 30 + 2, 4 * 30 + 2)
    invoke("sample", labelled_run, "--class", "all", "-n", "2", "--output", "each")
    assert sorted(p.name for p in (tmp_path / "each").iterdir()) == sorted("0123456789")


@pytest.mark.parametrize("kind", ["linear", "spherical"])
def test_interpolations_begin_and_end_at_the_latents_and_walk_between(kind: str, plain_run: Path) -> None:
    generator = ganzoo.load(plain_run)
    rng = torch.Generator().manual_seed(5)
    begin, end = generator.latents(3, rng), generator.latents(3, rng)
    walked = walk(generator, 3, 9, kind, seed=5).reshape(3, 9, 1, 28, 28)  # type: ignore[arg-type]
    torch.testing.assert_close(walked[:, 0], generator(begin), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(walked[:, -1], generator(end), atol=1e-4, rtol=1e-3)
    middle = (begin + end) / 2
    if kind == "spherical":  # the middle of the arc is the middle of the chord, at the length of the ends
        cosine = torch.nn.functional.cosine_similarity(begin, end)[:, None]
        middle = middle / torch.cos(torch.acos(cosine) / 2)
    torch.testing.assert_close(walked[:, 4], generator(middle), atol=1e-4, rtol=1e-3)


def test_interpolation_to_png_and_gif(invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    invoke("sample", labelled_run, "--interpolate", "-n", "7", "--rows", "4", "--output", "walk.png")
    assert pixels(tmp_path / "walk.png").shape == (4 * 30 + 2, 7 * 30 + 2)
    invoke("sample", labelled_run, "--interpolate", "linear", "-n", "5", "--rows", "4", "--output", "walk.gif")
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == 5 + 3, "there and back, the ends once"


def test_a_walk_through_all_classes_has_one_row_each(invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    invoke("sample", labelled_run, "--interpolate", "--class", "all", "-n", "3", "--output", "all.png")
    assert pixels(tmp_path / "all.png").shape == (10 * 30 + 2, 3 * 30 + 2)
    generator = ganzoo.load(labelled_run)
    first = to_uint8(walk(generator, 10, 3, labels=torch.arange(10), seed=0))
    assert (pixels(tmp_path / "all.png")[2 + 9 * 30 : 30 + 9 * 30, 2:30] == first[27, 0].numpy()).all()


def test_latents_without_an_arc_between_them_walk_on_the_chord() -> None:
    class Line(Generator):
        def __init__(self) -> None:
            super().__init__(latent_dim=1)
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, latents: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
            return latents * self.weight

    assert walk(Line(), 20, 5).isfinite().all()


def test_a_folder_with_content_is_never_written_to(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("mine")
    assert "not an empty folder" in invoke("sample", plain_run, "--output", "mine", "--overwrite", code=2).err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["note"]


def test_points_are_plotted(invoke: Invoke, points_run: Path, tmp_path: Path) -> None:
    invoke("sample", points_run, "-n", "200", "--output", "points.png")
    assert (pixels(tmp_path / "points.png") == 0).any()
    assert "points are drawn together, to a FILE.png" in invoke("sample", points_run, "--output", "singles", code=2).err


WRONG = {
    "class out of range": (("--class", "10"), "valid classes are 0 to 9"),
    "negative class": (("--class", "-1"), "valid classes are 0 to 9"),
    "unknown class": (("--class", "cat"), "unknown class 'cat'"),
    "no samples": (("-n", "0"), "0 is not in the range"),
    "unknown ending": (("--output", "x.bmp"), "unknown ending '.bmp'"),
    "no such folder": (("--output", "none/x.png"), "no such folder"),
    "a film of nothing": (("--output", "x.gif"), "add --interpolate"),
    "rows of a grid": (("--rows", "3"), "is for --interpolate and --morph"),
    "columns of a walk": (("--interpolate", "--columns", "3"), "is for grids"),
    "columns of a folder": (("--columns", "3", "--output", "singles"), "is for grids"),
    "rows of all classes": (("--interpolate", "--class", "all", "--rows", "3"), "one row a class"),
    "unknown walk": (("--interpolate", "curly"), "curly"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(case: str, invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    words, message = WRONG[case]
    assert message in invoke("sample", labelled_run, *words, code=2).err
    assert not list(tmp_path.iterdir())


def test_a_class_of_an_unlabelled_run_is_refused(invoke: Invoke, points_run: Path) -> None:
    assert "without labels" in invoke("sample", points_run, "--class", "1", code=2).err


def test_a_class_of_an_unconditional_generator_on_labelled_data_is_refused(invoke: Invoke, plain_run: Path) -> None:
    """dcgan on glyphs: the data has classes, the generator takes none."""
    assert "without labels" in invoke("sample", plain_run, "--class", "1", code=2).err
    assert "without labels" in invoke("sample", plain_run, "--class", "1", "--interpolate", code=2).err


def test_nothing_is_overwritten_unasked(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    (tmp_path / "samples.png").write_text("mine")
    assert "add --overwrite" in invoke("sample", plain_run, "-n", "2", code=2).err
    assert (tmp_path / "samples.png").read_text() == "mine"
    invoke("sample", plain_run, "-n", "2", "--overwrite")
    assert pixels(tmp_path / "samples.png").size


def test_what_is_no_run(invoke: Invoke, tmp_path: Path) -> None:
    assert "no such" in invoke("sample", "nowhere", code=1).err
    (tmp_path / "empty").mkdir()
    assert "run directory" in invoke("sample", "empty", code=1).err
    (tmp_path / "text.safetensors").write_text("nothing")
    assert "not a checkpoint, or is damaged" in invoke("sample", "text.safetensors", code=1).err


def test_a_checkpoint_is_not_mistaken_for_weights(invoke: Invoke, plain_run: Path) -> None:
    checkpoint = next((plain_run / "checkpoints").iterdir())
    assert "name its run directory instead" in invoke("sample", checkpoint, code=1).err
