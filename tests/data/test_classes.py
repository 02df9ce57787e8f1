"""Classes that are kept or left out: ``-o only``, ``-o without``."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.config.settings import RunConfig
from ganzoo.data.base import Dataset
from ganzoo.data.load import Chosen, chosen_classes, load_dataset
from ganzoo.errors import ConfigError, DataError, UnknownNameError
from ganzoo.training.setup import prepare

from ..training.helpers import TINY, assert_same, state_of

PAIR = {**TINY, "width": 4, "resolution": 16, "network": "conv"}


def loaded(dataset: str = "glyphs", split: str | None = None, **settings: Any) -> Dataset:
    return load_dataset(dataset, RunConfig(variant="x", dataset=dataset, resolution=8, **settings), split)


def test_what_is_kept_is_numbered_anew_and_nothing_else_is_there() -> None:
    whole, found = loaded(), loaded(only="7,3")
    assert found.info.classes == ("3", "7"), "in the order of the data set"
    assert found.labels is not None
    assert whole.labels is not None
    places = ((whole.labels == 3) | (whole.labels == 7)).nonzero().flatten()
    assert found.info.count == len(found.source) == len(places)
    assert torch.equal(found.source.fetch(torch.arange(len(places))), whole.source.fetch(places))
    assert torch.equal(found.labels, (whole.labels[places] == 7).long())
    assert found.info.extra["kept"] == [3, 7]
    assert found.whole is not None
    assert found.whole.info.count == whole.info.count


def test_only_and_without_are_two_ways_to_say_the_same() -> None:
    one, other = loaded(only="8,9"), loaded(without="0,1,2,3,4,5,6,7")
    assert one.info == other.info
    assert len({loaded().info.digest, one.info.digest, loaded(only="8").info.digest}) == 3


def test_the_test_split_is_of_the_same_classes() -> None:
    found = loaded(split="test", only="4")
    assert (found.info.split, found.info.classes) == ("test", ("4",))


def test_pairs_keep_what_belongs_together() -> None:
    found, whole = loaded("shapes", only="star"), loaded("shapes")
    assert found.info.fields == whole.info.fields
    assert whole.labels is not None
    places = (whole.labels == whole.info.classes.index("star")).nonzero().flatten()[:5]
    for name in ("target", "mask"):
        assert torch.equal(found.fetch(name, torch.arange(5)), whole.fetch(name, places))


def test_a_source_that_is_not_in_memory_is_seen_through() -> None:
    source = loaded().source
    some = Chosen(source, torch.tensor([5, 2, 9]))
    assert len(some) == 3
    assert torch.equal(some.to(torch.device("cpu")).fetch(torch.tensor([2, 0])), source.fetch(torch.tensor([9, 5])))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"only": "3,x"}, UnknownNameError, "unknown class of glyphs 'x'"),
        ({"without": "ten"}, UnknownNameError, "unknown class of glyphs 'ten'"),
        ({"without": "0,1,2,3,4,5,6,7,8,9"}, ConfigError, "leaves no class of 'glyphs'"),
        ({"only": " , "}, ConfigError, "names no class"),
        ({"only": "1", "without": "2"}, ConfigError, "only = '1' and without = '2': give one of them"),
    ],
)
def test_classes_that_make_no_sense_are_refused_before_data_is_read(
    settings: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        prepare("dcgan", "glyphs", settings=settings)


def test_sets_without_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="only = 'a': data set 'ring' has no classes"):
        prepare("vanilla", "ring", settings={"only": "a"})


def test_a_name_may_hold_a_comma() -> None:
    config = RunConfig(variant="x", dataset="y", only="red, green")
    assert chosen_classes("y", ("red", "red, green"), config) == [1]


def test_folders_have_classes_too(tmp_path: Path) -> None:
    for k, name in enumerate(("good", "bad")):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("RGB", (8, 8), (100 * k, 10 * i, 0)).save(tmp_path / name / f"{i}.png")
    found = loaded(f"folder:{tmp_path}", only="good")
    assert (found.info.classes, found.info.count) == (("good",), 3)
    with pytest.raises(UnknownNameError, match="unknown class of folder"):
        loaded(f"folder:{tmp_path}", only="godo")


def test_a_split_without_the_class_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzoo.data.load import kept_classes

    whole = loaded()
    bare = Dataset(whole.info, {"images": whole.source, "labels": torch.zeros(len(whole.source), dtype=torch.int64)})
    with pytest.raises(DataError, match="has no train sample of class 4"):
        kept_classes(bare, RunConfig(variant="x", dataset="glyphs", only="4"))


def test_a_run_goes_on_with_its_classes_only(tmp_path: Path) -> None:
    whole = ganzoo.train("cgan", "glyphs", out=tmp_path / "whole", steps=6, only="2,5", **PAIR)
    ganzoo.train("cgan", "glyphs", out=tmp_path / "parts", steps=3, only="2,5", **PAIR)
    with pytest.raises(ConfigError, match="only = '2' contradicts the run to resume"):
        ganzoo.train(out=tmp_path / "parts", resume=True, steps=6, only="2")
    again = ganzoo.train(out=tmp_path / "parts", resume=True, steps=6)
    assert_same(state_of(whole), state_of(again))
    assert whole.generator().classes == 2
    assert whole.data.classes == ("2", "5")


def test_a_feature_classifier_is_asked_by_its_own_numbers(tmp_path: Path) -> None:
    from ganzoo.metrics.evaluate import open_context
    from ganzoo.metrics.measures.features import as_classified

    run = ganzoo.train("cgan", "glyphs", out=tmp_path / "run", steps=1, only="2,5", **{**PAIR, "resolution": 28})
    context = open_context(run.path, ["accuracy-glyphs-10k"])
    assert as_classified(context, torch.tensor([0, 1, 1])).tolist() == [2, 5, 5]
    (balance,) = ganzoo.evaluate(run.path, ["balance-glyphs-10k"])
    assert balance.values["rarest class"] in (2.0, 5.0), "a class that was left out is not rare"
