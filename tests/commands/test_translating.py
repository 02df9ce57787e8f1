"""``ganzoo sample --input`` and ``ganzoo classify``: networks that take images."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.base import to_uint8, to_unit
from ganzoo.errors import DataError, UsageError
from ganzoo.models.translate import translate, translate_image

from .conftest import Invoke


def tiny(out: Path, variant: str, **more: object) -> Path:
    settings = {"steps": 2, "batch_size": 4, "width": 4, "device": "cpu", "resolution": 32, **more}
    return ganzoo.train(variant, "glyphs", out=out, **settings).path


@pytest.fixture(scope="module")
def grey_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("runs") / "grey", "srgan", blocks=1, scale=2)


@pytest.fixture(scope="module")
def colour_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("runs") / "colour", "srgan", blocks=1, channels=3)


@pytest.fixture(scope="module")
def classifier_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("runs") / "classifier", "sgan", resolution=8, width=8)


def picture(path: Path, mode: str, size: tuple[int, int] = (13, 9)) -> Path:
    rng = np.random.default_rng(len(mode))
    channels = len(Image.new(mode, (1, 1)).getbands())
    array = rng.integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    Image.fromarray(array.squeeze(-1) if channels == 1 else array, mode).save(path)
    return path


# Enlarging


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_any_kind_of_image_is_enlarged_and_keeps_its_kind(
    mode: str, invoke: Invoke, grey_run: Path, colour_run: Path, tmp_path: Path
) -> None:
    source = picture(tmp_path / "in.png", mode)
    for run, scale in ((grey_run, 2), (colour_run, 4)):
        target = tmp_path / f"out{scale}.png"
        done = invoke("sample", run, "--input", source, "--output", target)
        assert done.out.strip() == str(target)
        with Image.open(target) as image:
            assert image.size == (13 * scale, 9 * scale)
            assert image.mode == mode


def test_pixels_are_those_of_the_network_and_alpha_is_kept(colour_run: Path, tmp_path: Path) -> None:
    network = ganzoo.load(colour_run)
    rgb = Image.open(picture(tmp_path / "a.png", "RGB")).convert("RGB")
    large = np.array(translate_image(network, 3, rgb))  # type: ignore[arg-type]  # it is a Translator
    pixels = torch.from_numpy(np.array(rgb).transpose(2, 0, 1).copy())[None]
    with torch.no_grad():
        expected = to_uint8(network(to_unit(pixels)))[0].permute(1, 2, 0).numpy()
    assert np.array_equal(large, expected)
    half = rgb.copy()
    half.putalpha(128)
    result = translate_image(network, 3, half)  # type: ignore[arg-type]
    assert set(np.array(result)[:, :, 3].flatten().tolist()) == {128}


@pytest.mark.parametrize("tile", [5, 16, 31])
def test_tiles_give_the_picture_of_the_whole(tile: int, colour_run: Path) -> None:
    network = ganzoo.load(colour_run)
    torch.manual_seed(0)
    images = torch.randint(0, 256, (1, 3, 47, 61), dtype=torch.uint8)
    whole = translate(network, images, 0).int()  # type: ignore[arg-type]
    tiled = translate(network, images, tile).int()  # type: ignore[arg-type]
    difference = (whole - tiled).abs()
    assert difference.max() <= 1, "rounding of sums in another order, nothing more"
    assert (difference > 0).double().mean() < 0.01


def test_a_folder_is_enlarged_file_by_file(invoke: Invoke, grey_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    picture(folder / "a.png", "RGB")
    picture(folder / "deeper" / "b.png", "L")
    Image.new("RGB", (8, 8), (250, 0, 0)).save(folder / "c.jpg")
    done = invoke("sample", grey_run, "--input", folder, "--output", tmp_path / "large")
    assert done.out.strip() == str(tmp_path / "large")
    made = sorted(str(p.relative_to(tmp_path / "large")) for p in (tmp_path / "large").rglob("*.png"))
    assert made == ["a.png", "c.png", "deeper/b.png"]
    again = invoke("sample", grey_run, "--input", folder, "--output", tmp_path / "large", code=2)
    assert "exists: add --overwrite" in again.err
    invoke("sample", grey_run, "--input", folder, "--output", tmp_path / "large", "--overwrite")
    Image.new("RGB", (8, 8)).save(folder / "a.jpg")
    said = invoke("sample", grey_run, "--input", folder, code=2).err
    assert "a.jpg and a.png differ in their ending only" in said


def test_what_cannot_be_enlarged(
    invoke: Invoke, grey_run: Path, plain_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = picture(tmp_path / "in.png", "RGB")
    (tmp_path / "empty").mkdir()
    assert "no such file" in invoke("sample", grey_run, "--input", "none.png", code=2).err
    assert "no images there" in invoke("sample", grey_run, "--input", "empty", code=2).err
    assert "name a FILE.png" in invoke("sample", grey_run, "--input", source, "--output", "x.jpg", code=2).err
    assert "draws samples, it translates no images" in invoke("sample", plain_run, "--input", source, code=2).err
    assert "--input IMAGE|DIR" in invoke("sample", grey_run, "-n", "4", code=2).err
    assert "takes no class" in invoke("sample", grey_run, "--input", source, "--class", "3", code=2).err
    assert "--tile 8 is for --input" in invoke("sample", plain_run, "--tile", "8", code=2).err
    source.write_bytes(source.read_bytes()[:80])
    assert "in.png cannot be read" in invoke("sample", grey_run, "--input", source, code=1).err
    assert not (tmp_path / "in-enlarged.png").exists()
    deep = Image.fromarray(np.zeros((4, 4), dtype=np.uint16))
    with pytest.raises(DataError, match="more than 8 bits"):
        translate_image(ganzoo.load(grey_run), 1, deep)  # type: ignore[arg-type]


WRONG = {
    "no batch": (torch.zeros(1, 8, 8), r"\[1, 8, 8\] of float32: give a tensor \[N, 1, H, W\], uint8 \(0 to 255\)"),
    "channels": (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), r"\[2, 3, 8, 8\] of uint8: give a tensor \[N, 1, H, W\]"),
    "none": (torch.zeros(0, 1, 8, 8), r"\[0, 1, 8, 8\] of float32: give"),
    "type": (torch.zeros(1, 1, 8, 8, dtype=torch.int64), "of int64: give a tensor"),
    "range": (torch.full((1, 1, 8, 8), 200.0), "float32 from 200 to 200: give .* floats from -1 to 1"),
    "not a number": (torch.full((1, 1, 8, 8), torch.nan), "from nan to nan: give"),
    "array": (np.zeros((1, 1, 8, 8)), "images are a ndarray: give a tensor"),
}


@pytest.mark.parametrize("case", WRONG)
def test_tensors_that_are_no_images_are_refused(case: str, grey_run: Path, classifier_run: Path) -> None:
    images, message = WRONG[case]
    with pytest.raises(UsageError, match=message):
        ganzoo.api.open_run(grey_run).translate(images)
    with pytest.raises(UsageError, match=message.replace("1, H, W", "1, 8, 8")):
        ganzoo.api.open_run(classifier_run).classify(images)


def test_shapes_are_those_that_a_network_was_trained_on_or_takes(grey_run: Path, classifier_run: Path) -> None:
    with pytest.raises(UsageError, match=r"\[1, 1, 9, 9\] of float32: give a tensor \[N, 1, 8, 8\]"):
        ganzoo.api.open_run(classifier_run).classify(torch.zeros(1, 1, 9, 9))
    with pytest.raises(UsageError, match=r"\[9, 9\] of float32: give a tensor \[N, C, H, W\]"):
        translate(ganzoo.load(grey_run), torch.zeros(9, 9))  # type: ignore[arg-type]
    pixels = torch.randint(0, 256, (1, 1, 9, 7), dtype=torch.uint8)
    large = ganzoo.api.open_run(grey_run).translate(pixels)
    assert torch.equal(ganzoo.api.open_run(grey_run).translate(to_unit(pixels).double()), large)
    assert ganzoo.api.open_run(classifier_run).classify(torch.ones(1, 1, 8, 8).double()).shape == (1, 10)


def test_training_ends_with_the_command_that_uses_the_network(invoke: Invoke, tmp_path: Path) -> None:
    words = ("--steps", "1", "--batch-size", "2", "--device", "cpu", "-o", "resolution=32", "-o", "width=4")
    done = invoke("train", "srgan", *words, "-o", "blocks=1", "--out", tmp_path / "x")
    assert f"ganzoo sample {tmp_path / 'x'} --input IMAGE" in done.err


# Encoding


def test_images_are_encoded(invoke: Invoke, tmp_path: Path) -> None:
    settings = {"width": 4, "hidden": 8, "resolution": 8, "steps": 3, "batch_size": 4, "device": "cpu"}
    run = ganzoo.train("infogan", "glyphs", out=tmp_path / "run", **settings)
    folder = tmp_path / "digits"
    folder.mkdir()
    picture(folder / "b.png", "L", (8, 8))
    picture(folder / "a.png", "RGB", (20, 20))
    said = invoke("encode", run.path, "--input", folder, "--output", tmp_path / "codes.npy").err
    assert "2 rows of 12" in said
    codes = np.load(tmp_path / "codes.npy")
    assert codes.shape == (2, 12)
    pixels = torch.from_numpy(np.array(Image.open(folder / "b.png")))[None, None]
    np.testing.assert_allclose(run.encode(pixels).numpy(), codes[1:], rtol=1e-5, atol=1e-6)
    invoke("encode", run.path, "--input", folder / "b.png", "--input", folder, "--output", tmp_path / "codes.csv")
    rows = list(csv.reader((tmp_path / "codes.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["image", *(f"z{i}" for i in range(12))]
    assert [Path(row[0]).name for row in rows[1:]] == ["b.png", "a.png", "b.png"]
    np.testing.assert_allclose(np.array(rows[1][1:], dtype=float), codes[1], rtol=1e-6)


def test_what_cannot_be_encoded(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    digit = picture(tmp_path / "x.png", "L")
    words = ("encode", plain_run, "--input", digit, "--output")
    assert "holds ConvGenerator: no encoder" in invoke(*words, tmp_path / "x.npy", code=2).err
    assert "must end in .npy or .csv" in invoke(*words, tmp_path / "x.txt", code=2).err
    (tmp_path / "there.npy").touch()
    assert "--overwrite replaces it" in invoke(*words, tmp_path / "there.npy", code=2).err
    assert "Missing option '--output'" in invoke(*words[:-1], code=2).err


# Classifying


def test_images_and_folders_are_classified(invoke: Invoke, classifier_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    picture(folder / "a.png", "RGB", (20, 20))
    picture(folder / "b.png", "L", (8, 8))
    done = invoke("classify", classifier_run, folder, folder / "b.png")
    lines = [line.split("  ") for line in done.out.splitlines()]
    assert [Path(words[0]).name for words in lines] == ["a.png", "b.png", "b.png"]
    assert lines[1] == lines[2]
    found = json.loads(invoke("classify", classifier_run / "classifier.safetensors", folder, "--json").out)
    assert [Path(row["image"]).name for row in found] == ["a.png", "b.png"]
    for row, words in zip(found, lines, strict=False):
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert max(row["probabilities"], key=row["probabilities"].get) == row["class"] == words[1]
        assert float(words[2]) == pytest.approx(row["probabilities"][row["class"]], abs=1e-4)


def test_python_gives_the_same_answer(invoke: Invoke, classifier_run: Path, tmp_path: Path) -> None:
    digit = picture(tmp_path / "x.png", "L", (8, 8))
    found = json.loads(invoke("classify", classifier_run, digit, "--json").out)[0]["probabilities"]
    pixels = torch.from_numpy(np.array(Image.open(digit)))[None, None]
    run = ganzoo.api.open_run(classifier_run)
    torch.testing.assert_close(run.classify(pixels)[0], torch.tensor(list(found.values())), rtol=1e-5, atol=1e-6)


def test_what_cannot_be_classified(invoke: Invoke, classifier_run: Path, plain_run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    digit = picture(tmp_path / "x.png", "L")
    assert "holds no images" in invoke("classify", classifier_run, "empty", code=2).err
    assert "holds ConvGenerator: no classifier" in invoke("classify", plain_run, digit, code=2).err
    assert "no classifier" in invoke("classify", plain_run / "generator.safetensors", digit, code=2).err
    assert "none.png: no such file" in invoke("classify", classifier_run, "none.png", code=2).err
    assert "Missing argument" in invoke("classify", classifier_run, code=2).err
