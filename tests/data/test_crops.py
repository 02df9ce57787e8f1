"""Random crops of large images: a function of their index, from memory as from files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.base import DataRequest
from ganzoo.data.decode import Decoder
from ganzoo.data.sources.crops import CROPS, CropSource
from ganzoo.data.sources.folder import load
from ganzoo.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for i, size in enumerate([(20, 30), (25, 17)]):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    return tmp_path


def request(folder: Path, crop: int = 16, **more: object) -> DataRequest:
    return DataRequest(name="folder", root=folder, argument=str(folder), crop=crop, **more)  # type: ignore[arg-type]


def stands_in(piece: torch.Tensor, windows: torch.Tensor) -> bool:
    return bool((windows == piece).flatten(1).all(1).any())


def test_every_crop_is_a_piece_of_its_image_in_one_of_eight_orientations(folder: Path) -> None:
    dataset = load(request(folder))
    assert dataset.info.shape == (3, 16, 16)
    assert dataset.info.count == 2
    assert len(dataset.source) == 2 * CROPS
    with Image.open(folder / "0.png") as opened:
        image = torch.from_numpy(np.array(opened)).permute(2, 0, 1)
    windows = image.unfold(1, 16, 1).unfold(2, 16, 1).permute(1, 2, 0, 3, 4).reshape(-1, 3, 16, 16)
    orientations = set()
    for crop in dataset.source.fetch(torch.arange(0, 120, 2)):
        found = []
        for turns in range(4):
            upright = torch.rot90(crop, -turns, (1, 2))
            found += [
                (turns, flip) for flip, piece in enumerate((upright, upright.flip(2))) if stands_in(piece, windows)
            ]
        assert len(found) == 1
        orientations.add(found[0])
    assert len(orientations) == 8


def test_crops_from_files_equal_crops_from_memory(folder: Path) -> None:
    indices = torch.arange(50)
    memory = load(request(folder))
    files = load(request(folder, memory=1))
    assert isinstance(files.source, CropSource)
    assert all(isinstance(image, Path) for image in files.source.images)
    assert torch.equal(memory.source.fetch(indices), files.source.fetch(indices))
    assert memory.info.digest == files.info.digest
    assert torch.equal(memory.source.fetch(indices), load(request(folder)).source.fetch(indices))


def test_the_digest_knows_images_and_crop(folder: Path) -> None:
    before = load(request(folder)).info.digest
    assert load(request(folder, crop=12)).info.digest != before
    with Image.open(folder / "0.png") as opened:
        changed = np.array(opened)
    changed[0, 0, 0] ^= 1
    Image.fromarray(changed).save(folder / "0.png")
    assert load(request(folder)).info.digest != before


def test_damaged_and_small_files_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 2 images .* smaller than a crop of 18x18: 1.png \(17x25\)"):
        load(request(folder, crop=18))
    (folder / "2.png").write_bytes((folder / "0.png").read_bytes()[:200])
    with pytest.raises(DataError, match=r"2\.png"):
        load(request(folder))


def test_only_a_folder_is_cropped() -> None:
    from ganzoo.data.drawn.glyphs import load as glyphs

    with pytest.raises(ConfigError, match="only your own folders are cropped"):
        glyphs(DataRequest(name="glyphs", root=Path(), crop=16))


def test_grey_crops(folder: Path) -> None:
    dataset = load(request(folder, channels=1))
    assert dataset.info.shape == (1, 16, 16)
    assert Decoder(1, 0, 0)(folder / "0.png").shape == (1, 20, 30)
