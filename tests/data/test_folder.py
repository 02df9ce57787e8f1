"""Folders of images of all kinds: what is decoded, what is refused, and that streaming changes nothing."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.base import DataRequest, Dataset, DataWarning, MemorySource
from ganzoo.data.decode import Decoder, FileSource
from ganzoo.data.images.opening import Undecodable
from ganzoo.data.sources import folder
from ganzoo.errors import DataError, UsageError

RNG = np.random.default_rng(0)


def picture(width: int = 20, height: int = 20) -> Image.Image:
    """Smooth colours, so that a lossy format stays close."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, (x + y) / 2], axis=2).astype(np.uint8))


def load(path: Path, **settings: object) -> Dataset:
    return folder.load(DataRequest(name="folder", argument=str(path), root=Path("unused"), **settings))


def decoded(path: Path, size: int = 20, channels: int = 3) -> np.ndarray:
    return Decoder(channels, size, size)(path).numpy().astype(int)


def save(image: Image.Image, path: Path, **settings: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **settings)
    return path


def mode_of(path: Path) -> str:
    with Image.open(path) as image:
        return image.mode


def truncate(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def noise(path: Path) -> Path:
    """A file large enough that its second half holds pixels."""
    return save(Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)), path)


def test_mixed_formats_and_sizes_become_one_shape(tmp_path):
    save(picture(), tmp_path / "a.png")
    save(picture(100, 50), tmp_path / "b.JPG", quality=95)
    save(picture(31, 64), tmp_path / "c.webp")
    save(picture().convert("L"), tmp_path / "d.bmp")
    data = load(tmp_path)
    assert (data.info.shape, data.info.count, data.labels) == ((3, 64, 64), 4, None)
    assert data.info.name == f"folder:{tmp_path}"
    assert not data.info.labelled
    assert data.source.fetch(torch.arange(4)).shape == (4, 3, 64, 64)
    assert load(tmp_path, resolution=16, channels=1).info.shape == (1, 16, 16)


def test_the_centre_is_kept(tmp_path):
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    assert decoded(save(Image.fromarray(pixels), tmp_path / "wide.png")).min() == 255
    assert decoded(save(Image.fromarray(pixels.transpose(1, 0, 2)), tmp_path / "tall.png")).min() == 255


def test_a_palette_image_has_its_colours(tmp_path):
    image = picture().quantize(256)
    path = save(image, tmp_path / "palette.png")
    assert mode_of(path) == "P"
    assert np.array_equal(decoded(path), np.array(image.convert("RGB")).transpose(2, 0, 1))


def test_16_bit_grey_is_scaled_not_clipped(tmp_path):
    values = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    path = save(Image.fromarray(values), tmp_path / "deep.png")
    assert mode_of(path).startswith("I")
    exact = values / 257
    assert np.abs(decoded(path, channels=1)[0] - exact).max() <= 0.5
    assert np.array_equal(decoded(path)[0], decoded(path)[2])


def test_cmyk_has_its_colours(tmp_path):
    path = save(picture().convert("CMYK"), tmp_path / "print.jpg", quality=100)
    assert mode_of(path) == "CMYK"
    assert np.abs(decoded(path) - np.array(picture()).transpose(2, 0, 1)).mean() < 8


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_white(tmp_path, mode):
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 20))
    path = tmp_path / "clear.png"
    if mode == "P":
        paletted = Image.new("P", (20, 20), 1)
        paletted.putpalette([9, 9, 9, 0, 0, 0])
        paletted.paste(0, (0, 0, 10, 20))
        paletted.save(path, transparency=0)
    else:
        image.convert(mode).save(path)
    pixels = decoded(path)
    assert (pixels[:, :, :10] == 255).all()
    assert (pixels[:, :, 10:] == 0).all()


def test_exif_orientation_is_obeyed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    path = save(picture(), tmp_path / "turned.png", exif=exif)
    upright = np.array(picture()).transpose(2, 0, 1)
    assert np.array_equal(decoded(path), np.rot90(upright, -1, axes=(1, 2)))


def test_one_bit_images_are_black_and_white(tmp_path):
    path = save(picture().convert("1"), tmp_path / "fax.png")
    assert set(np.unique(decoded(path))) == {0, 255}


def test_floating_point_pixels_are_refused_with_advice(tmp_path):
    path = save(Image.fromarray(np.full((4, 4), 0.5, np.float32)), tmp_path / "float.tif")
    with pytest.raises(Undecodable, match="convert it to 8 or 16 bit"):
        Decoder(3, 4, 4)(path)


@pytest.mark.parametrize("memory", [2**30, 0])
def test_truncated_and_foreign_files_are_all_listed(tmp_path, memory):
    for i in range(4):
        save(picture(), tmp_path / f"good{i}.png")
    truncate(noise(tmp_path / "cut.png"))
    truncate(noise(tmp_path / "cut.jpg"))
    truncate(noise(tmp_path / "cut.webp"))
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty.png").touch()
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError) as error:
        load(tmp_path, memory=memory)
    message = str(error.value)
    assert message.startswith("6 of 10 image files")
    assert "... and 1 more" in message
    assert sum(name in message for name in ("cut.png", "cut.jpg", "cut.webp", "text.jpg", "empty.png", "dangling")) == 5
    assert "good" not in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in folders are a thing of Unix")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    save(picture(), tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png is not a regular file"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "cut.webp", "cut.gif", "cut.bmp"])
def test_each_kind_of_truncated_file_is_found_before_streaming_starts(tmp_path, name):
    for i in range(3):
        save(picture(), tmp_path / f"{i}.png")
    truncate(noise(tmp_path / name))
    with pytest.raises(DataError, match=rf"1 of 4 image files[^\n]*\n  .*{name}: \S"):
        load(tmp_path, memory=0)


def test_other_files_are_passed_over_with_a_warning(tmp_path):
    save(picture(), tmp_path / "a.png")
    save(picture(), tmp_path / "b.png")
    for name in ("notes.txt", "more.md", ".hidden.png"):
        (tmp_path / name).write_text("x")
    save(picture(), tmp_path / ".cache" / "c.png")
    with pytest.warns(DataWarning, match=r"4 entries are not images.*\.cache, \.hidden\.png, more\.md, \.\.\."):
        data = load(tmp_path)
    assert data.info.count == 2


@pytest.mark.filterwarnings("ignore:.*have a single image")
def test_subfolders_are_classes_in_the_order_of_their_names(tmp_path):
    save(picture(), tmp_path / "dogs" / "deep" / "er" / "a.png")
    save(picture(), tmp_path / "cats" / "b.png")
    save(picture(), tmp_path / "cats" / "a.png")
    (tmp_path / "empty").mkdir()
    data = load(tmp_path)
    assert data.info.classes == ("cats", "dogs")
    assert data.labels.tolist() == [0, 0, 1]
    assert data.labels.dtype == torch.int64


def test_one_subfolder_is_no_class(tmp_path):
    save(picture(), tmp_path / "all" / "a.png")
    save(picture(), tmp_path / "all" / "b.png")
    assert load(tmp_path).labels is None


def test_images_beside_subfolders_make_the_set_unlabelled_and_say_so(tmp_path):
    for name in ("x.png", "a/1.png", "b/1.png"):
        save(picture(), tmp_path / name)
    with pytest.warns(DataWarning, match="not taken as classes"):
        data = load(tmp_path)
    assert (data.labels, data.info.count) == (None, 3)


@pytest.mark.filterwarnings("ignore:.*have a single image")
def test_a_link_to_a_folder_above_does_not_loop(tmp_path):
    for name in ("a/1.png", "b/1.png"):
        save(picture(), tmp_path / name)
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert load(tmp_path).info.count == 2


def test_folders_that_hold_too_little(tmp_path):
    with pytest.raises(DataError, match=r"holds no images; at least 2 needed.*\.png"):
        load(tmp_path)
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(DataError, match="no images and 1 other files"):
        load(tmp_path)
    save(picture(), tmp_path / "only.png")
    with pytest.raises(DataError, match=r"one image \(only.png\)"):
        load(tmp_path)


def test_folders_that_are_none(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        load(tmp_path / "file")
    with pytest.raises(UsageError, match="folder:PATH"):
        folder.load(DataRequest(name="folder", root=tmp_path))


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path: object, onerror: object, followlinks: bool) -> list[object]:
        onerror(PermissionError(13, "Permission denied", str(tmp_path / "closed")))
        return []

    monkeypatch.setattr(os, "walk", refuse)
    with pytest.raises(DataError, match="closed cannot be read: Permission denied"):
        load(tmp_path)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for i in range(23):
        image = Image.fromarray(RNG.integers(0, 256, (20 + i, 43 - i, 3), dtype=np.uint8))
        save(image, tmp_path / ("even", "odd")[i % 2] / f"{i:02}.{('png', 'jpg')[i % 3 == 0]}")
    return tmp_path


@pytest.mark.parametrize("channels", [1, 3])
def test_streaming_gives_the_tensors_of_memory(many, channels):
    held = load(many, resolution=16, channels=channels)
    streamed = load(many, resolution=16, channels=channels, memory=23 * channels * 256 - 1)
    assert isinstance(held.source, MemorySource)
    assert isinstance(streamed.source, FileSource)
    assert torch.equal(held.labels, streamed.labels)
    assert held.info.shape == streamed.info.shape
    for hint in ([], [3, 22, 0], [5, 6], list(range(23))):
        streamed.source.prefetch(torch.tensor(hint, dtype=torch.int64))
        for order in ([3, 22, 0], [7, 7, 7], list(range(22, -1, -1)), []):
            indices = torch.tensor(order, dtype=torch.int64)
            assert torch.equal(held.source.fetch(indices), streamed.source.fetch(indices))
    streamed.source.close()
    assert torch.equal(streamed.source.fetch(torch.tensor([4])), held.source.fetch(torch.tensor([4])))
    streamed.source.close()


def test_a_bounded_number_of_images_waits(many):
    source = load(many, resolution=16, memory=0).source
    source._ahead = 5
    source.prefetch(torch.arange(23))
    source.prefetch(torch.arange(10, 13))
    assert list(source._waiting) == [3, 4, 10, 11, 12]
    source.close()


def test_a_file_that_breaks_while_training_is_named(many):
    source = load(many, resolution=16, memory=0).source
    broken = source.paths[4]
    broken.write_bytes(b"gone bad")
    source.prefetch(torch.tensor([3, 4]))
    assert source.fetch(torch.tensor([3])).shape == (1, 3, 16, 16)
    with pytest.raises(DataError, match=broken.name):
        source.fetch(torch.tensor([4]))
    source.close()


def test_the_digest_of_streamed_data_follows_the_files(many):
    def digest(resolution: int = 16) -> str:
        return load(many, resolution=resolution, memory=0).info.digest

    before = digest()
    assert digest() == before
    assert digest(resolution=8) != before
    path = next(many.rglob("*.png"))
    path.write_bytes(path.read_bytes() + b"more")
    assert digest() != before


def test_progress_is_told(many):
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(many, progress=lambda *what: told.append(what))
    assert told[-1] == ("decoding", 23, 23)
