"""Folders as they are in real life: splits, and files of every kind; nothing is taken wrongly without a word."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.decode import stored_shape
from ganzoo.data.images import opening
from ganzoo.data.images.opening import Undecodable, open_image
from ganzoo.data.load import load_dataset
from ganzoo.data.resize import convert_channels
from ganzoo.data.sources import folder
from ganzoo.errors import ConfigError, DataError, SplitMissingError
from ganzoo.models.translate import translate_file
from ganzoo.training.setup import prepare
from ganzoo.tricks.augment import augment

RNG = np.random.default_rng(0)


def load(path: Path, **settings: object) -> Dataset:
    request = {"resolution": 8, "root": Path("data"), **settings}
    return folder.load(DataRequest(name="folder", argument=str(path), **request))


def save(path: Path, image: Image.Image | None = None, **settings: object) -> Path:
    """An image file; noise in colour when none is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = image or Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    found.save(path, **settings)
    return path


def several(root: Path, *names: str) -> Path:
    for name in names:
        save(root / name)
    return root


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Train", "val"), ("train", "valid")])
@pytest.mark.filterwarnings("ignore:.*have a single image")
def test_train_and_test_are_splits_and_not_classes(tmp_path, train, test):
    several(tmp_path, *(f"{train}/{name}" for name in ("cats/1.png", "cats/deep/2.png", "dogs/1.png")))
    several(tmp_path, *(f"{test}/{name}" for name in ("dogs/1.png", "dogs/2.png")))
    said = rf"{train} and {test} are splits, not classes: 3 images to train on, 2 to test with\."
    with pytest.warns(DataWarning, match=said):
        data = load(tmp_path)
    assert (data.info.classes, data.labels.tolist(), data.info.split) == (("cats", "dogs"), [0, 0, 1], "train")
    with pytest.warns(DataWarning, match="are splits"):
        held_out = load(tmp_path, split="test")
    assert (held_out.info.classes, held_out.labels.tolist(), held_out.info.split) == (("cats", "dogs"), [1, 1], "test")


def test_test_goes_before_val_and_what_is_not_used_is_said(tmp_path):
    several(tmp_path, *(f"{split}/{i}.png" for split in ("train", "test", "val") for i in range(2)))
    save(tmp_path / "val" / "3.png")
    with pytest.warns(DataWarning, match="2 to test with, and 3 in others not used"):
        assert load(tmp_path, split="test").info.count == 2


@pytest.mark.filterwarnings("ignore:.*have a single image")
def test_a_class_called_train_stays_one(tmp_path):
    several(tmp_path, "train/1.png", "bus/1.png")
    assert load(tmp_path).info.classes == ("bus", "train")
    several(tmp_path, "test/1.png")
    with pytest.warns(DataWarning, match="taken as classes, because bus lies beside"):
        assert load(tmp_path).info.classes == ("bus", "test", "train")


def test_classes_that_are_not_trained_on_are_refused(tmp_path):
    several(tmp_path, *(f"train/{name}/1.png" for name in "ab"), *(f"test/{name}/1.png" for name in "ac"))
    with pytest.warns(DataWarning), pytest.raises(DataError, match="classes that are not trained on: c"):
        load(tmp_path, split="test")


def test_a_folder_without_splits_has_no_test_split(tmp_path):
    several(tmp_path, "a.png", "b.png")
    with pytest.raises(SplitMissingError, match="data set 'folder' has no split 'test': it has train"):
        load(tmp_path, split="test")
    # As a second set, too, it gives what it is trained on.
    config = RunConfig(variant="none", dataset="glyphs", second=f"folder:{tmp_path}", resolution=8)
    assert load_dataset("glyphs", config, "test").info.second.split == "train"


def values(data: Dataset) -> np.ndarray:
    return data.source.fetch(torch.arange(data.info.count)).numpy()


@pytest.mark.parametrize("memory", [2**30, 0])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_grey_folder_says_so(tmp_path, mode, memory):
    for i in range(3):
        save(tmp_path / f"{i}.png", Image.effect_noise((8, 8), 60 + i).convert(mode))
    if mode == "RGB" and not memory:
        return  # told by the pixels, which are not looked at before streaming
    with pytest.warns(DataWarning, match=r"all 3 images are grey, and RGB is trained on: -o channels=1"):
        load(tmp_path, memory=memory)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(tmp_path, channels=1, memory=memory)
        load(tmp_path, channels=3, memory=memory)
        save(tmp_path / "colour.png")
        load(tmp_path, memory=memory)


def half_clear(path: Path) -> Path:
    """Red, its left half transparent."""
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    image.paste((9, 9, 9, 0), (0, 0, 4, 8))
    return save(path, image)


@pytest.mark.parametrize("memory", [2**30, 0])
def test_what_becomes_of_transparency_is_said_and_chosen(tmp_path, memory):
    half_clear(tmp_path / "a.png")
    save(tmp_path / "b.png")
    said = r"1 of 2 images have transparency, which becomes white: -o background=COLOUR .*channels=4 keeps it"
    with pytest.warns(DataWarning, match=said):
        white = load(tmp_path, memory=memory)
    with pytest.warns(DataWarning, match="becomes #0080ff"):
        blue = load(tmp_path, memory=memory, background="#0080ff")
    assert values(white)[0, :, 0, 0].tolist() == [255, 255, 255]
    assert values(blue)[0, :, 0, 0].tolist() == [0, 128, 255]
    assert values(blue)[0, :, 0, 7].tolist() == [255, 0, 0]
    assert white.info.digest != blue.info.digest
    kept = load(tmp_path, memory=memory, channels=4)
    assert kept.info.shape == (4, 8, 8)
    assert values(kept)[:, 3, 0, 0].tolist() == [0, 255]
    for data in (white, blue, kept):
        data.close()


def test_settings_that_do_nothing_say_so(tmp_path):
    several(tmp_path, "a.png", "b.png")
    for settings, said in (
        ({"channels": 4}, "none of 2 images has transparency"),
        ({"background": "black"}, "background = black does nothing"),
        ({"levels": 4095}, "levels = 4095 does nothing"),
    ):
        with pytest.warns(DataWarning, match=said):
            load(tmp_path, **settings)
    with pytest.raises(ConfigError, match="background = 'mauve' is no colour: write white, black or #rrggbb"):
        RunConfig(variant="x", dataset="y", background="mauve")
    with pytest.raises(ConfigError, match="does nothing with channels = 4"):
        RunConfig(variant="x", dataset="y", background="black", channels=4)
    with pytest.raises(ConfigError, match=r"channels = 4 must be 1 \(grey\) or 3 \(RGB\): data set 'glyphs'"):
        load_dataset("glyphs", RunConfig(variant="none", dataset="glyphs", channels=4))
    with pytest.raises(ConfigError, match=r"levels = 4095.* does nothing"):
        prepare("dcgan", "glyphs", settings={"levels": 4095.0})


def test_channels_are_converted_between_grey_rgb_and_rgba():
    image = torch.tensor([200, 100, 0, 51], dtype=torch.uint8).view(1, 4, 1, 1)
    assert convert_channels(image, 3).flatten().tolist() == [244, 224, 204]
    assert convert_channels(image[:, :3], 4).flatten().tolist() == [200, 100, 0, 255]
    assert convert_channels(image, 1).shape == (1, 1, 1, 1)
    assert convert_channels(image[:, :1], 4).flatten().tolist() == [200, 200, 200, 255]
    both = augment(image.float(), ["color"])
    assert both[:, 3] == 51
    assert both[:, :3].tolist() != image[:, :3].tolist()


def test_transparent_images_are_trained_on_and_drawn(tmp_path):
    for i in range(4):
        half_clear(tmp_path / "in" / f"{i}.png")
    settings = {"channels": 4, "resolution": 16, "steps": 1, "batch_size": 2, "diffaugment": "color", "device": "cpu"}
    run = prepare("dcgan", f"folder:{tmp_path / 'in'}", out=tmp_path / "run", settings=settings).train()
    pictures = sorted((run.path / "samples").glob("*.png"))
    assert pictures
    with Image.open(pictures[-1]) as picture:
        assert picture.mode == "RGBA"
        assert picture.getpixel((0, 0))[3] == 0  # between the samples there is nothing


def deep(path: Path, top: int) -> Path:
    return save(path, Image.fromarray(np.linspace(0, top, 64).astype(np.uint16).reshape(8, 8)))


@pytest.mark.parametrize("memory", [2**30, 0])
def test_12_bits_in_16_are_told_and_mended(tmp_path, memory):
    for i in range(3):
        deep(tmp_path / f"{i}.png", 4095)
    said = r"all 3 images have 16 bits, and none of their values is above 4,095 .*nearly black: -o levels=4095"
    with pytest.warns(DataWarning, match=said):
        dark = load(tmp_path, channels=1, memory=memory)
    bright = load(tmp_path, channels=1, memory=memory, levels=4095.0)
    assert (values(dark).max(), values(bright).max(), values(bright).min()) == (16, 255, 0)
    assert dark.info.digest != bright.info.digest
    with pytest.raises(DataError, match=r"integer pixels from 0 to 4095: levels = 1000 is less"):
        load(tmp_path, channels=1, memory=memory, levels=1000.0)
    for data in (dark, bright):
        data.close()


@pytest.mark.parametrize("memory", [2**30, 0])
def test_floats_are_scaled_by_levels(tmp_path, memory):
    for i in range(2):
        save(tmp_path / f"{i}.tif", Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)))
    with pytest.raises(DataError, match=r"floating point pixels from 0 to 1, .* say it with -o levels=N"):
        load(tmp_path, channels=1, memory=memory)
    found = values(load(tmp_path, channels=1, memory=memory, levels=1.0))
    assert np.array_equal(found[0, 0].ravel(), np.rint(np.linspace(0, 1, 64) * 255))
    save(tmp_path / "nan.tif", Image.fromarray(np.full((8, 8), np.nan, np.float32)))
    with pytest.raises(DataError, match=r"nan\.tif: floating point"):
        load(tmp_path, channels=1, memory=memory, levels=1.0)


def swapped_profile() -> bytes:
    """A colour profile whose red is sRGB's green, and the other way round."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for encoding in ("ascii", "utf-16-be"):
        profile = bytearray(bytes(profile).replace("sRGB".encode(encoding), "Test".encode(encoding)))
    places = {profile[i : i + 4].decode("latin-1"): i for i in range(132, 132 + 12 * profile[131], 12)}
    red, green = places["rXYZ"], places["gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_colour_profile_is_obeyed(tmp_path, mode):
    image = Image.new("RGB", (8, 8), (255, 0, 0)).convert(mode)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    save(tmp_path / "a.png", image, icc_profile=swapped_profile())
    save(tmp_path / "b.png", image, icc_profile=srgb)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = values(load(tmp_path))
    assert np.abs(found[0, :, 0, 0].astype(int) - [0, 255, 0]).max() <= 1
    assert found[1, :, 0, 0].tolist() == [255, 0, 0]


def test_a_broken_colour_profile_is_passed_over_with_a_word(tmp_path):
    several(tmp_path, "a.png")
    save(tmp_path / "b.png", Image.new("RGB", (8, 8), (255, 0, 0)), icc_profile=b"no profile at all")
    with pytest.warns(DataWarning, match="1 of 2 images have a colour profile that cannot be used"):
        assert values(load(tmp_path))[1, :, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("memory", [2**30, 0])
@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif"])
def test_of_several_frames_the_first_is_used_and_it_is_said(tmp_path, ending, memory):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    more = {"lossless": True} if ending == "webp" else {}
    save(tmp_path / f"a.{ending}", frames[0], save_all=True, append_images=frames[1:], **more)
    several(tmp_path, "b.png")
    with pytest.warns(DataWarning, match="1 of 2 images hold several frames or pages: the first is used"):
        data = load(tmp_path, memory=memory)
    assert values(data)[0, :, 0, 0].tolist() == [255, 0, 0]
    data.close()


def test_clutter_makes_no_warning_and_no_class(tmp_path):
    several(tmp_path, "a/1.png", "a/2.png", "__MACOSX/a/._1.png", "__MACOSX/b.png", "@eaDir/1.png")
    for name in (".DS_Store", "a/Thumbs.db", "desktop.ini", "a/._1.png", ".ipynb_checkpoints/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load(tmp_path)
    assert (data.info.classes, data.info.count) == ((), 2)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.warns(DataWarning, match=r"1 entries are not images .*\(notes\.txt\)"):
        load(tmp_path)


def in_bytes(folder: Path, name: bytes) -> Path:
    """A path whose name is not UTF-8; the test is skipped where the system has none such."""
    path = folder / os.fsdecode(name)
    try:
        path.mkdir()
    except OSError:
        pytest.skip("names on this system are UTF-8")
    return path


@pytest.mark.parametrize("memory", [2**30, 0])
@pytest.mark.filterwarnings("ignore:.*have a single image")
def test_names_that_are_not_utf8_work_and_can_be_printed(tmp_path, memory):
    bad = in_bytes(tmp_path, b"caf\xe9")
    several(tmp_path, "bar/1.png", f"{bad.name}/1.png")
    save(bad / os.fsdecode(b"\xff.png"))
    data = load(tmp_path, memory=memory)
    assert (data.info.classes, data.labels.tolist()) == (("bar", "caf\\xe9"), [0, 1, 1])
    data.close()
    (bad / os.fsdecode(b"\xfe.png")).write_text("no image")
    with pytest.raises(DataError) as error:
        load(tmp_path, memory=memory)
    assert "caf\\xe9/\\xfe.png: not an image" in str(error.value)
    str(error.value).encode()


def test_a_folder_whose_path_is_not_utf8_is_one_line(tmp_path, ganzoo_cli):
    bad = in_bytes(tmp_path, b"caf\xe9")
    several(bad, "1.png", "2.png")
    done = ganzoo_cli("train", "dcgan", "--dataset", f"folder:{bad}", "--dry-run", code=2)
    assert done.stderr.count("\n") == 1
    assert "caf\\xe9 has bytes that are not UTF-8: rename it" in done.stderr


def test_pipes_are_refused_wherever_an_image_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(Undecodable, match="not a regular file"):
        open_image(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png cannot be read: not a regular file"):
        translate_file(torch.nn.Identity(), 3, tmp_path / "pipe.png", tmp_path / "out.png")
    with pytest.raises(DataError, match=r"pipe\.png cannot be read: not a regular file"):
        stored_shape(tmp_path / "pipe.png")


def test_heic_is_named_with_the_package_that_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "reads_heic", lambda: False)
    several(tmp_path, "a.png", "b.png")
    (tmp_path / "c.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    with pytest.raises(DataError, match=r"c\.heic: a HEIC file, .*pip install pillow-heif"):
        load(tmp_path)


def test_avif_and_webp_are_read_by_their_endings(tmp_path):
    several(tmp_path, "a.webp", "b.WEBP")
    if "AVIF" in opening.supported():
        save(tmp_path / "c.avif")
    assert load(tmp_path).info.count == 2 + ("AVIF" in opening.supported())


def test_one_image_a_class_is_told(tmp_path):
    several(tmp_path, "a/1.png", "b/1.png", "c/1.png", "c/2.png")
    with pytest.warns(DataWarning, match=r"2 of 3 classes have a single image \(a, b\)"):
        assert load(tmp_path).labels.tolist() == [0, 1, 2, 2]


def test_verify_shows_what_a_folder_holds(tmp_path, ganzoo_cli):
    folder = tmp_path / ("long" * 20)  # a long path does not wrap what is told beside it
    several(folder, *(f"train/{name}.png" for name in ("a/1", "a/2", "a/3", "b/1")))
    several(folder, "test/b/1.png", "test/b/2.png")
    half_clear(folder / "train" / "b" / "clear.png")
    deep(folder / "train" / "a" / "deep.png", 4095)
    save(folder / "train" / "a" / "wide.png", Image.new("RGB", (30, 9), (9, 8, 7)))
    done = ganzoo_cli("data", "verify", f"folder:{folder}")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in (
        "images, train 7", "images, test 2", "classes 2, of 2 to 5 images", "a 5 (71.4%)", "b 2 (28.6%)",
        "sizes 8 to 30 pixels wide, 8 to 9 high", "grey 1", "with transparency 1",
        "grey of more than 8 bits 1, values up to 4,095",
    ):  # fmt: skip
        assert line in lines
    (folder / "train" / "a" / "bad.png").write_text("no image")
    done = ganzoo_cli("data", "verify", f"folder:{folder}", "--json", code=1)
    assert list(json.loads(done.stdout)["folders"][f"folder:{folder}"]["bad"]) == ["train/a/bad.png"]
    assert "1 of its files cannot be used" in done.stderr
