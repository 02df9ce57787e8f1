"""limit: a few samples of a training set, the same ones for a seed; what is measured knows all of them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import Dataset
from ganzoo.data.load import load_dataset
from ganzoo.errors import ConfigError
from ganzoo.training.setup import prepare


def glyphs(split: str | None = None, **settings: Any) -> Dataset:
    return load_dataset("glyphs", RunConfig(variant="none", dataset="glyphs", **settings), split)


def images(dataset: Dataset) -> torch.Tensor:
    return dataset.source.fetch(torch.arange(len(dataset.source)))


def test_each_class_has_as_many_and_they_are_of_the_set() -> None:
    whole, few = glyphs(), glyphs(limit=25)
    assert len(few.source) == few.info.count == 25
    assert few.labels is not None
    assert whole.labels is not None
    assert sorted(few.labels.bincount(minlength=10).tolist()) == [2] * 5 + [3] * 5
    found = {(image.numpy().tobytes(), int(k)) for image, k in zip(images(whole), whole.labels, strict=True)}
    assert all((i.numpy().tobytes(), int(k)) in found for i, k in zip(images(few), few.labels, strict=True))
    assert few.info.digest != whole.info.digest


def test_the_seed_picks_and_more_are_not_others() -> None:
    few, again, other, more = (glyphs(limit=n, limit_seed=s) for n, s in ((20, 1), (20, 1), (20, 2), (40, 1)))
    assert torch.equal(images(few), images(again))
    assert few.info.digest == again.info.digest != other.info.digest
    assert not torch.equal(images(few), images(other))
    kept = {image.numpy().tobytes() for image in images(more)}
    assert all(image.numpy().tobytes() in kept for image in images(few)), "a larger limit adds samples"


def test_classes_that_are_kept_come_first() -> None:
    few = glyphs(limit=8, only="3,5")
    assert few.info.classes == ("3", "5")
    assert few.labels is not None
    assert few.labels.bincount().tolist() == [4, 4]


def test_other_splits_are_whole() -> None:
    assert len(glyphs("test", limit=5).source) == len(glyphs("test").source) > 5


def test_a_set_without_classes_has_a_limit_too() -> None:
    ring = RunConfig(variant="none", dataset="ring", limit=7)
    assert len(load_dataset("ring", ring).source) == 7


def test_more_than_there_are_is_an_error_that_says_how_many() -> None:
    count = len(glyphs().source)
    with pytest.raises(ConfigError, match=rf"limit = 1,000,000: data set 'glyphs' has {count:,} train samples"):
        glyphs(limit=1_000_000)
    with pytest.raises(ConfigError, match="limit_seed = 3 without limit does nothing"):
        glyphs(limit_seed=3)
    with pytest.raises(ConfigError, match="limit = 0 is out of range"):
        glyphs(limit=0)


def test_metrics_compare_with_the_whole_set(tmp_path: Path) -> None:
    job = prepare("vanilla", "glyphs", out=tmp_path / "x", settings={"limit": 30, "device": "cpu", "width": 4})
    assert len(job.dataset.source) == 30
    assert len(job.context().load("").source) == len(glyphs().source)
