"""Folders as they are in real life: splits, and files of every kind; nothing is taken wrongly without a word."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.load import load_dataset
from ganzoo.data.sources import folder
from ganzoo.errors import DataError, SplitMissingError

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
