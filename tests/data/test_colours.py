"""Dominant colours as classes, and logos, which have them."""

from pathlib import Path

import pytest
import torch

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo, DataRequest, Dataset
from ganzoo.data.derived.colours import by_colours, colour_class, dominant_colours
from ganzoo.data.load import dataset_spec, load_dataset
from ganzoo.data.packages import installed, logos
from ganzoo.data.specs import own_spec
from ganzoo.data.specs.packages import COLOUR_CLASSES
from ganzoo.errors import ConfigError
from ganzoo.training.setup import prepare

needs_logos = pytest.mark.skipif(
    bool(installed.missing_packages(own_spec("logos"))), reason="the packages of logos are not installed"
)


def named(images: torch.Tensor) -> list[str]:
    return [COLOUR_CLASSES[k] for k in dominant_colours(images).tolist()]


def square(ink: tuple[int, int, int], paper: tuple[int, int, int] = (255, 255, 255), side: int = 4) -> torch.Tensor:
    """A square of ``ink`` in the middle of a paper of 16 pixels: uint8 [1, 3, 16, 16]."""
    image = torch.tensor(paper, dtype=torch.uint8).view(1, 3, 1, 1).repeat(1, 1, 16, 16)
    image[:, :, 8 - side // 2 : 8 + side // 2, 8 - side // 2 : 8 + side // 2] = torch.tensor(
        ink, dtype=torch.uint8
    ).view(1, 3, 1, 1)
    return image


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("#000000", "black"), ("#0050c0", "blue"), ("#654321", "brown"), ("#00e0e0", "cyan"), ("#7f7f7f", "grey"),
        ("#228b22", "green"), ("#ff8800", "orange"), ("#ff80c0", "pink"), ("#6a0dad", "purple"), ("#cc1111", "red"),
        ("#fdfdfd", "white"), ("#ffe000", "yellow"),
    ],
)  # fmt: skip
def test_every_word_is_that_of_a_colour_everyone_calls_so(text: str, word: str) -> None:
    assert COLOUR_CLASSES[colour_class(text)] == word


def test_the_colour_is_that_of_what_is_shown_and_not_of_its_background() -> None:
    assert named(square((200, 20, 20))) == ["red"]
    assert named(square((200, 20, 20), paper=(0, 0, 0))) == ["red"]
    assert named(square((255, 255, 255), paper=(20, 60, 200))) == ["white"]
    assert named(square((255, 255, 255))) == ["white"], "nothing but background"
    blue = torch.full((1, 3, 16, 16), 20, dtype=torch.uint8)
    blue[:, 2] = 220
    assert named(blue) == ["blue"]
    grey = square((0, 0, 0))[:, :1]
    assert named(grey) == ["black"], "grey images have three words"


def test_smooth_edges_count_less_than_the_inside() -> None:
    image = square((220, 20, 30), side=4)
    pale = torch.tensor([245, 190, 200], dtype=torch.uint8).view(3, 1)
    image[0, :, 5, 4:12] = image[0, :, 10, 4:12] = pale  # sixteen pale pixels, and sixteen red ones
    image[0, :, 4, 4:8] = pale
    assert named(image) == ["red"]


def test_any_set_of_images_has_colours_for_classes() -> None:
    config = RunConfig(variant="x", dataset="shapes", classes="colours")
    assert dataset_spec("shapes", classes="colours").classes == COLOUR_CLASSES
    assert dataset_spec("folder:x", classes="colours").fields == ("images", "labels")
    assert dataset_spec("ring", classes="colours").classes == ()
    found, plain = load_dataset("shapes", config), load_dataset("shapes", RunConfig(variant="x", dataset="shapes"))
    assert (found.info.classes, found.info.count) == (COLOUR_CLASSES, plain.info.count)
    assert found.info.digest != plain.info.digest
    labels = found.labels
    assert labels is not None
    text = [bytes(row[row > 0].tolist()).decode() for row in plain.fetch("text", torch.arange(400))]
    right = [COLOUR_CLASSES[k] in said for k, said in zip(labels[:400].tolist(), text, strict=True)]
    assert sum(right) > 0.8 * len(right), "outlines of one pixel are paler than their colour"
    some = load_dataset("shapes", RunConfig(variant="x", dataset="shapes", classes="colours", only="red,blue"))
    assert some.info.classes == ("blue", "red")
    assert some.info.count == int(((labels == 1) | (labels == 9)).sum())


def test_samples_without_colours_are_refused() -> None:
    with pytest.raises(ConfigError, match="classes = 'colours' is for images, not for the points of 'ring'"):
        prepare("vanilla", "ring", settings={"classes": "colours"})
    with pytest.raises(ConfigError, match="not for the points of 'some'"):
        by_colours(Dataset(DataInfo("some", "points", (2,)), {"images": torch.zeros(3, 2)}))


@needs_logos
def test_logos_have_the_colour_of_their_class(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import simplepycons

    icons = simplepycons.all_icons

    class Few:
        """Every fortieth icon."""

        def names(self) -> list[str]:
            return sorted(icons.names())[::40]

        def __getitem__(self, name: str) -> object:
            return icons[name]

    monkeypatch.setattr(simplepycons, "all_icons", Few())
    train, test = (
        logos.load(DataRequest(name="logos", root=tmp_path, split=split, resolution=48)) for split in ("train", "test")
    )
    assert train.info.shape == (3, 48, 48)
    assert (train.info.count + test.info.count, test.info.count > 2) == (len(Few().names()), True)
    assert train.labels is not None
    seen = dominant_colours(train.source.fetch(torch.arange(train.info.count)))
    assert float((seen == train.labels).float().mean()) > 0.9
    grey = logos.load(DataRequest(name="logos", root=tmp_path, resolution=48, channels=1))
    assert grey.info.shape == (1, 48, 48)
    with pytest.raises(ConfigError, match="icons of this size do not fit into memory"):
        logos.load(DataRequest(name="logos", root=tmp_path, resolution=48, memory=1_000))
