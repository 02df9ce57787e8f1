"""Holes, what fills them, and the measure of it."""

import pytest
import torch

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
