"""Holes, what fills them, and the measure of it."""

from pathlib import Path

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.errors import UsageError
from ganzoo_zoo.inpainting.masks import masks
from ganzoo_zoo.inpainting.networks import ContextEncoder, painter


@pytest.mark.parametrize("kind", ["centre", "random", "free"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (28, 40), (64, 64)])
def test_holes_are_holes_and_leave_something(kind: str, height: int, width: int) -> None:
    found = masks(kind, 40, height, width, torch.Generator().manual_seed(0))
    assert found.shape == (40, 1, height, width)
    assert set(found.unique().tolist()) == {0.0, 1.0}
    shares = found.mean((1, 2, 3))
    assert shares.min() > 0
    assert shares.max() < 0.75
    assert torch.equal(found, masks(kind, 40, height, width, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("body", ["unet", "context"])
@pytest.mark.parametrize("shape", [(16, 16), (21, 34)])
def test_known_pixels_come_back_untouched_and_hidden_ones_are_not_seen(body: str, shape: tuple[int, int]) -> None:
    network = painter(body, 3, 16, 4).eval()
    images = torch.rand(2, 3, *shape) * 2 - 1
    hole = masks("centre", 2, *shape, torch.Generator())
    found = network(torch.cat([images, 2 * hole - 1], 1))
    inside = hole.bool().expand_as(images)
    assert torch.equal(found[~inside], images[~inside])
    assert not torch.equal(found[inside], images[inside])
    other = torch.where(inside, torch.rand_like(images), images)
    assert torch.equal(network(torch.cat([other, 2 * hole - 1], 1)), found)


def test_the_connected_layer_sees_the_opposite_corner() -> None:
    network = ContextEncoder(1, 16, 4).eval()
    for layer in network.modules():  # so that no signal is lost on its way
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d | torch.nn.Conv1d):
            torch.nn.init.constant_(layer.weight, 0.1)
    images = torch.zeros(1, 2, 16, 16, requires_grad=True)
    network(images)[0, 0, 0, 0].backward()
    assert float(images.grad[0, :, -1, -1].abs().sum()) > 0


def test_what_fills_holes_is_measured_inside_them(tmp_path) -> None:
    settings = {"batch_size": 8, "width": 4, "metrics": "psnr-hole", "device": "cpu"}
    ganzoo.train("inpainting", "shapes", out=tmp_path / "run", steps=2, **settings)
    (found,) = ganzoo.evaluate(tmp_path / "run", ["psnr-hole"])
    assert found.about["reference"]["splits"] == {"test": 2000}
    assert 0 < found.value < 40
    assert 0 < found.values["grey"] < 40
    ganzoo.train("pix2pix", "shapes", out=tmp_path / "other", steps=2, batch_size=2, width=4, metrics="", device="cpu")
    with pytest.raises(UsageError, match="fill holes"):
        ganzoo.evaluate(tmp_path / "other", ["psnr-hole"])


@pytest.fixture(scope="module")
def filler(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "filler"
    settings = {"batch_size": 4, "width": 4, "metrics": "", "device": "cpu", "resolution": 16, "report": False}
    ganzoo.train("inpainting", "shapes", out=run, steps=1, **settings)
    return run


def test_a_mask_says_where_to_paint(filler: Path, tmp_path: Path, ganzoo_cli) -> None:
    photo = Image.fromarray(torch.randint(0, 256, (30, 41, 3), dtype=torch.uint8).numpy())
    photo.save(tmp_path / "photo.png")
    mask = Image.new("L", photo.size)
    mask.paste(255, (5, 6, 20, 20))
    mask.save(tmp_path / "mask.png")
    words = ("sample", filler, "--input", tmp_path / "photo.png")
    ganzoo_cli(*words, "--mask", tmp_path / "mask.png", "--output", tmp_path / "a.png")
    known = Image.eval(mask, lambda value: 255 - value)
    white = Image.new("RGB", photo.size, "white")
    found = Image.open(tmp_path / "a.png")
    assert Image.composite(found, white, known).tobytes() == Image.composite(photo, white, known).tobytes()
    assert found.tobytes() != photo.tobytes()
    photo.putalpha(known)  # transparent pixels say the same
    photo.save(tmp_path / "clear.png")
    ganzoo_cli("sample", filler, "--input", tmp_path / "clear.png", "--output", tmp_path / "b.png")
    assert Image.open(tmp_path / "b.png").tobytes() == found.tobytes()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (None, "nothing says where to paint"),
        (Image.new("L", (9, 9), 255), "the mask is of 9x9 and the image of 16x16"),
        (Image.new("L", (16, 16)), "there is nothing to paint"),
        ("text", "cannot be read"),
    ],
)
def test_a_mask_that_says_nothing_is_refused(mask, message: str, filler: Path, tmp_path: Path, ganzoo_cli) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "photo.png")
    more = [] if mask is None else ["--mask", tmp_path / "mask.png"]
    if mask == "text":
        (tmp_path / "mask.png").write_text("no image")
    elif mask is not None:
        mask.save(tmp_path / "mask.png")
    code = 1 if mask == "text" else 2
    done = ganzoo_cli("sample", filler, "--input", tmp_path / "photo.png", *more, code=code)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
