"""Coloured shapes, and pairs that are made of any set of images."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data.base import DataInfo, DataRequest, Dataset
from ganzoo.data.derived.degrade import DEGRADE, degraded, is_taken_apart, taken_apart
from ganzoo.data.drawn import shapes
from ganzoo.data.loader import BatchLoader
from ganzoo.data.specs.drawn import SHAPES
from ganzoo.data.texts import to_texts
from ganzoo.errors import ConfigError


def drawn(count: int, side: int = 32) -> tuple[np.ndarray, ...]:
    return shapes.render(np.arange(count) % len(SHAPES), shapes._draw(count, "train", 0), side)


def test_the_bytes_are_those_of_every_machine() -> None:
    # A change here changes every run on shapes.
    found = hashlib.sha256(b"".join(each.tobytes() for each in drawn(200))).hexdigest()
    assert found == "00065a353066bcc7cf84084dfa0ea362a1578c012cc14b86611c8619b2bdcfb6"


def test_outline_area_mask_and_caption_say_the_same() -> None:
    found = shapes.load(DataRequest("shapes", Path("unused"), split="test"))
    some = torch.arange(64)
    outline, filled, mask = (found.fetch(name, some).int() for name in ("images", "target", "mask"))
    inside = mask[:, 0] == 255
    for i, text in enumerate(bytes(row.tolist()).rstrip(b"\0").decode() for row in found.fetch("text", some)):
        _, size, colour, shape = text.split()
        assert shape == SHAPES[found.labels[i]]
        assert (filled[i].permute(1, 2, 0)[inside[i]] == torch.tensor(shapes.COLOURS[colour])).all()
        assert (inside[i].float().mean() > 0.07) or size == "small" or shape in ("ring", "star", "cross", "arrow")
        assert (outline[i] < 255).any()
    far = ~torch.nn.functional.max_pool2d((mask > 0).float(), 5, 1, 2).bool().expand_as(outline)
    assert (outline[far] == 255).all()
    assert (filled[far] == 255).all()


def test_the_filled_ones_alone_are_the_same() -> None:
    both, filled = (
        shapes.load(DataRequest(name, Path("unused"), split="test")) for name in ("shapes", "shapes-filled")
    )
    some = torch.arange(20)
    assert torch.equal(both.fetch("target", some), filled.fetch("images", some))
    assert torch.equal(both.fetch("text", some), filled.fetch("text", some))
    assert "target" not in filled.info.fields
    assert both.info.digest != filled.info.digest
    texts = to_texts(filled.fetch("text", torch.arange(2_000)))
    assert {word for text in texts for word in text.split()} == set(filled.info.extra["words"])


def test_a_shape_is_turned_but_never_leaves_the_image() -> None:
    _, filled, mask = drawn(400)
    assert (filled[:, :, 0] > 200).mean() > 0.97
    assert (mask.reshape(400, -1).max(1) == 255).all()


def test_shapes_too_large_for_memory_are_refused() -> None:
    with pytest.raises(ConfigError, match="resolution = 1024: 10,000 shapes"):
        shapes.load(DataRequest("shapes", Path("unused"), resolution=1024))


def images(channels: int = 3) -> Dataset:
    pixels = torch.randint(0, 256, (6, channels, 12, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    info = DataInfo("noise", "images", (channels, 12, 16), ("a", "b"), 6, digest="0")
    return Dataset(info, {"images": pixels, "labels": torch.arange(6) % 2})


@pytest.mark.parametrize("kind", DEGRADE)
def test_what_is_left_of_an_image_stands_beside_it(kind: str) -> None:
    found = degraded(images(), kind)
    channels = 1 if kind in ("grey", "edges") else 3
    assert found.info.shape == (channels, 12, 16)
    assert found.info.extra["target_shape"] == [3, 12, 16]
    assert found.info.digest != degraded(images(), next(k for k in DEGRADE if k != kind)).info.digest
    batch = BatchLoader(found, 0, torch.device("cpu")).draw(0, 4)
    assert batch["images"].shape == (4, channels, 12, 16)
    assert not torch.equal(batch["images"].expand(-1, 3, -1, -1), batch["target"])
    some = torch.tensor([3, 1])
    assert torch.equal(found.fetch("images", some)[1], found.fetch("images", torch.tensor([1]))[0])


def test_a_hole_leaves_the_rest_and_is_the_same_each_time() -> None:
    found = degraded(images(), "mask")
    given, whole = (found.fetch(name, torch.arange(6)) for name in ("images", "target"))
    hole = (given != whole).any(1)
    assert hole.flatten(1).sum(1).tolist() == [6 * 8] * 6
    assert (given[hole[:, None].expand_as(given)] == 128).all()
    assert len({tuple(h.nonzero()[0].tolist()) for h in hole}) > 1


def test_edges_are_dark_lines_on_white() -> None:
    square = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    square[..., 4:12, 4:12] = 255
    found = DEGRADE["edges"](square, torch.arange(1))[0, 0]
    assert (found[7, 7], found[0, 0], int(found[4, 7])) == (255, 255, 0)


def test_pairs_cannot_be_degraded_nor_grey_made_grey() -> None:
    with pytest.raises(ConfigError, match="has pairs already"):
        degraded(degraded(images(), "blur"), "grey")
    with pytest.raises(ConfigError, match="grey already"):
        degraded(images(1), "grey")


def test_pairs_taken_apart_come_in_orders_of_their_own() -> None:
    found = taken_apart(degraded(images(), "negative"))
    assert found.info.fields == ("images", "labels", "target", "second.images")
    assert is_taken_apart(found)
    assert not is_taken_apart(Dataset(found.info, found.fields, images()))
    batch = BatchLoader(found, 0, torch.device("cpu")).draw(0, 6)
    assert torch.allclose(batch["images"], -batch["target"], atol=1e-6)
    assert not torch.equal(batch["second.images"], batch["target"])
    assert torch.equal(batch["second.images"].flatten(1).sum(1).sort()[0], batch["target"].flatten(1).sum(1).sort()[0])
