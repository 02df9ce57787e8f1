"""Glyphs and toys: deterministic, balanced, of the right shape; and the pieces that every set shares."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data.base import DataRequest, Dataset, MemorySource, digest, to_uint8, to_unit
from ganzoo.data.drawn import glyphs, toys
from ganzoo.data.resize import convert_channels, fit_images, resize_crop
from ganzoo.errors import ConfigError, UnknownNameError


def request(name: str, **settings: object) -> DataRequest:
    return DataRequest(name=name, root=Path("unused"), **settings)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return glyphs.load(request("glyphs", split="test"))


def draw(count: int, resolution: int = 28, channels: int = 1, seed: int = 0) -> np.ndarray:
    """A few digits, without the wait for all."""
    return glyphs.render(np.arange(count) % 10, glyphs._draw(count, "train", seed), resolution, channels)


def test_digits_are_labelled_and_balanced(digits):
    assert (digits.info.shape, digits.info.count) == ((1, 28, 28), 4000)
    assert torch.bincount(digits.labels).tolist() == [400] * 10
    assert digits.info.classes == tuple("0123456789")


def test_the_same_seed_draws_the_same_bytes(digits):
    assert glyphs.load(request("glyphs", split="test")).info.digest == digits.info.digest
    assert glyphs.load(request("glyphs", split="test", seed=1)).info.digest != digits.info.digest


def test_train_and_test_are_different_streams():
    assert not np.array_equal(glyphs._draw(50, "train", 0), glyphs._draw(50, "test", 0))


def test_the_bytes_are_those_of_every_machine():
    # Raw PCG64 output and single IEEE operations: see the module. A change here changes every run on glyphs.
    found = hashlib.sha256(draw(500).tobytes() + draw(50, 40, 3, seed=7).tobytes()).hexdigest()
    assert found == "0ba9b53193217c77d3bb63de61a58493a6aacc1d0906143bbf90855c5d48ad2c"


def test_digits_have_ink_and_stay_inside_the_image():
    images = draw(2000)
    ink = images.mean(axis=(1, 2, 3)) / 255
    assert ink.min() > 0.02
    assert ink.max() < 0.4
    assert images.max() == 255
    border = np.concatenate([images[:, 0, 0], images[:, 0, -1], images[:, 0, :, 0], images[:, 0, :, -1]], axis=1)
    assert (border.max(axis=1) > 128).mean() < 0.01


def test_digits_of_one_class_are_alike_and_those_of_two_are_not():
    """A nearest-mean classifier, the weakest there is, reads most of them; chance is 10 %."""
    images, labels = draw(3000).reshape(3000, -1) / 255.0, np.arange(3000) % 10
    means = np.stack([images[:2000][labels[:2000] == k].mean(axis=0) for k in range(10)])
    nearest = ((images[2000:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == labels[2000:]).mean() > 0.5
    assert images[::10].std(axis=0).mean() > 0.1  # and yet no two zeros are the same


@pytest.mark.parametrize("resolution", [8, 28, 45, 128])
def test_any_resolution_shows_the_same_digit(resolution):
    large = torch.from_numpy(draw(20, resolution=resolution))
    small, reference = (fit_images(images, (1, 8, 8)).float() for images in (large, torch.from_numpy(draw(20, 256))))
    assert (small - reference).abs().mean() < 12


def test_colours_are_random_and_stand_out():
    images = draw(200, channels=3)
    assert images.shape == (200, 3, 28, 28)
    luma = convert_channels(torch.from_numpy(images), 1).flatten(1).float()
    assert (luma.amax(1) - luma.amin(1)).min() > 30
    assert len(np.unique(images[:, :, 0, 0], axis=0)) > 190


def test_digits_drawn_when_fetched_are_those_held_in_memory():
    held = glyphs.load(request("glyphs", split="test", resolution=12, channels=3))
    drawn = glyphs.load(request("glyphs", split="test", resolution=12, channels=3, memory=1000))
    assert isinstance(held.source, MemorySource)
    assert isinstance(drawn.source, glyphs.GlyphSource)
    order = torch.tensor([3999, 0, 17, 17])
    assert torch.equal(held.source.fetch(order), drawn.source.fetch(order))


@pytest.mark.parametrize(("name", "number", "size"), [("ring", 8, 2), ("grid", 25, 2), ("gaussian1d", 1, 1)])
def test_toys_are_the_mixture_that_their_modes_say(name, number, size):
    data = toys.load(request(name))
    points, modes = data.source.fetch(torch.arange(data.info.count)), toys.modes(name)
    assert (modes.centres.shape, data.info.shape, data.labels) == ((number, size), (size,), None)
    assert points.dtype == torch.float32
    assert points.abs().max() < 1.1
    distance, which = torch.cdist(points, modes.centres).min(dim=1)
    assert torch.bincount(which, minlength=number).float().div(len(points)).sub(1 / number).abs().max() < 1e-3
    assert abs(distance.square().mean().div(size).sqrt().item() / modes.std - 1) < 0.02
    assert torch.equal(to_unit(points), points)


def test_toys_follow_seed_and_split():
    digests = {
        toys.load(request("ring", **how)).info.digest for how in ({}, {"seed": 1}, {"split": "test"}, {"seed": 0})
    }
    assert len(digests) == 3


def test_toys_refuse_what_points_do_not_have():
    with pytest.raises(ConfigError, match="resolution and channels say nothing about the points"):
        toys.load(request("ring", resolution=28))
    with pytest.raises(UnknownNameError, match="gaussian1d"):
        toys.modes("gaussian2d")


def test_all_256_values_survive_the_round_trip():
    values = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    unit = to_unit(values)
    assert (unit.min().item(), unit.max().item(), unit.dtype) == (-1.0, 1.0, torch.float32)
    assert torch.equal(to_uint8(unit), values)
    assert to_uint8(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]


def test_the_digest_sees_type_shape_order_and_labels():
    x = torch.arange(12, dtype=torch.uint8)
    seen = [x.view(3, 4), x.view(4, 3), x.view(4, 3).T, x.view(3, 4).long()]
    digests = {digest(tensor) for tensor in seen} | {digest(x.view(3, 4), torch.arange(3)), digest(x[:0])}
    assert len(digests) == 6


def test_resizing_keeps_flat_images_flat_and_covers_the_centre():
    flat = torch.full((2, 3, 30, 50), 77, dtype=torch.uint8)
    assert (resize_crop(flat, 64, 64) == 77).all()
    wide = torch.zeros(1, 1, 20, 60, dtype=torch.uint8)
    wide[..., 20:40] = 255
    assert resize_crop(wide, 20, 20).min() == 255
    noise = torch.randint(0, 256, (1, 1, 64, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    # Without antialias the mean of few samples would stray, and values would reach both ends.
    small = resize_crop(noise, 8, 8).float()
    assert small.std() < noise.float().std() / 4


def test_pieces_of_a_resize_join_without_a_seam(monkeypatch):
    images = torch.randint(0, 256, (9, 3, 20, 20), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    whole = fit_images(images, (1, 13, 13))
    monkeypatch.setattr("ganzoo.data.resize.CHUNK_BYTES", 4 * 3 * 400 * 2)
    assert torch.equal(fit_images(images, (1, 13, 13)), whole)


def test_listing_imports_neither_torch_nor_numpy():
    code = "import sys, ganzoo.data.specs, ganzoo.data.store; print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
