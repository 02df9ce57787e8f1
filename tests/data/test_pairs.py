"""Pairs of pictures, and two sets that are not paired."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from ganzoo.data.base import DataRequest
from ganzoo.data.loader import BatchLoader
from ganzoo.data.sources.pairs import load_pairs, load_unpaired
from ganzoo.errors import DataError, SplitMissingError


def grey(path: Path, value: int, size: tuple[int, int] = (32, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


def means(images: torch.Tensor) -> list[int]:
    return [round(float(image.float().mean())) for image in images]


def test_partners_are_found_by_name_whatever_their_endings(tmp_path: Path) -> None:
    for name, value in (("1.png", 10), ("1.m.png", 200)):
        grey(tmp_path / "A" / name, value)
    for name, value in (("1.bmp", 10), ("1.m.png", 200)):
        grey(tmp_path / "B" / name, value)
    found = load_pairs(DataRequest("pairs", tmp_path, str(tmp_path)))
    everything = torch.arange(2)
    assert found.info.fields == ("images", "target")
    assert means(found.fetch("images", everything)) == means(found.fetch("target", everything)) == [10, 200]


def test_side_by_side_files_are_cut_in_the_middle(tmp_path: Path) -> None:
    for i in range(2):
        sheet = Image.new("RGB", (64, 32), (20, 20, 20))
        sheet.paste((220, 220, 220), (32, 0, 64, 32))
        sheet.save(tmp_path / f"{i}.png")
    found = load_pairs(DataRequest("pairs", tmp_path, str(tmp_path)))
    assert means(found.fetch("images", torch.arange(2))) == [20, 20]
    assert means(found.fetch("target", torch.arange(2))) == [220, 220]


@pytest.mark.parametrize(
    ("other", "size", "said"),
    [
        ("B/z.png", (32, 32), "no partner"),
        ("B/x.png", (40, 32), "must be of one size"),
        ("", (1, 1), "is missing"),
        ("B/y.bmp", (32, 32), "y.bmp and y.png differ in their ending only"),
    ],
)
def test_what_is_not_paired_is_refused(tmp_path: Path, other: str, size: tuple[int, int], said: str) -> None:
    grey(tmp_path / "A" / "x.png", 1)
    grey(tmp_path / "A" / "y.png", 1)
    if other:
        grey(tmp_path / other, 1, size)
        grey(tmp_path / "B" / "y.png", 1)
    with pytest.raises(DataError, match=said):
        load_pairs(DataRequest("pairs", tmp_path, str(tmp_path)))


def test_splits_are_folders(tmp_path: Path) -> None:
    for split, value in (("train", 10), ("val", 90)):
        for side in "AB":
            for i in range(2):
                grey(tmp_path / split / side / f"{i}.png", value)
    test = load_pairs(DataRequest("pairs", tmp_path, str(tmp_path), split="test"))
    assert means(test.fetch("images", torch.arange(2))) == [90, 90]
    with pytest.raises(SplitMissingError):
        load_pairs(DataRequest("pairs", tmp_path / "train", str(tmp_path / "train"), split="test"))


def test_each_unpaired_set_has_its_own_order(tmp_path: Path) -> None:
    for side in "AB":
        for i in range(12):
            grey(tmp_path / side / f"{i:02}.png", 10 * i)
    found = load_unpaired(DataRequest("unpaired", tmp_path, str(tmp_path)))
    assert found.info.fields == ("images", "second.images")
    assert found.info.second is not None
    batch = BatchLoader(found, 0, torch.device("cpu")).draw(0, 12)
    orders = [means((batch[name] + 1) * 127.5) for name in ("images", "second.images")]
    assert sorted(orders[0]) == sorted(orders[1]) == [10 * i for i in range(12)]
    assert orders[0] != orders[1]
