"""Captions of a folder's images from captions.csv, and every way in which such a file can be wrong."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.load import load_dataset
from ganzoo.data.sources import folder
from ganzoo.data.texts import LONGEST, cut, facts, to_rows, to_texts
from ganzoo.errors import DataError

ROWS = 'a.png,A red  Star\nb.png,a blue star\nc.png,the star\na.png,red\nd.png,"a star, red"\n'


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for i, name in enumerate(("a.png", "b.png", "deep/c.png", "deep/d.png")):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (60 * i, 0, 90)).save(path)
    return tmp_path / "in"


def load(images: Path, content: str | bytes | None = None, **settings: object) -> Dataset:
    if content is not None:
        (images / "captions.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    request = {"resolution": 8, "root": images.parent / "data", **settings}
    return folder.load(DataRequest(name="folder", argument=str(images), **request))


@pytest.mark.filterwarnings("ignore:.*images lie both beside and in subfolders")
@pytest.mark.parametrize("memory", [2**30, 0])
def test_a_sample_is_an_image_with_one_of_its_captions(images: Path, memory: int) -> None:
    data = load(images, "file,caption\n" + ROWS, memory=memory)
    assert data.info.fields == ("images", "text")
    assert data.info.count == len(data.source) == 5
    everything = torch.arange(5)
    assert to_texts(data.fetch("text", everything)) == ["a red star", "red", "a blue star", "the star", "a star, red"]
    assert data.fetch("images", everything)[:, 0, 0, 0].tolist() == [0, 0, 60, 120, 180]
    assert data.info.extra == {"text_length": 32, "words": ["a", "blue", "red", "star", "the"]}
    swapped = load(images, "file,caption\n" + ROWS.replace("blue", "pink"), memory=memory)
    assert swapped.info.digest != data.info.digest
    for each in (data, swapped):
        each.close()


def test_a_file_beside_splits_is_of_both(images: Path, recwarn: pytest.WarningsRecorder) -> None:
    for split in ("train", "test"):
        (images / split).mkdir()
        for name in "ab":
            Image.new("RGB", (8, 8)).save(images / split / f"{name}.png")
    for name in ("a.png", "b.png", "deep/c.png", "deep/d.png"):
        (images / name).unlink()
    rows = "".join(f"{split}/{name}.png,{split} {name}\n" for split in ("train", "test") for name in "ab")
    data = load(images, "file,caption\n" + rows, split="test")
    assert to_texts(data.fetch("text", torch.arange(2))) == ["test a", "test b"]
    own = images / "train" / "captions.csv"
    own.write_text("file,caption\na.png,one\nb.png,two\n")
    assert to_texts(load(images).fetch("text", torch.arange(2))) == ["one", "two"]
    assert not [w for w in recwarn if "not images" in str(w.message) and "captions" in str(w.message).split("(")[1]]


@pytest.mark.filterwarnings("ignore:.*images lie both beside and in subfolders")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("file,caption\na.png,x\n", r"has no caption for 3 of 4 images: b\.png, deep/c\.png, deep/d\.png\. Add them"),
        ("file,caption\na.png,x\nb.png,\nc.png,y\nd.png,z\n", r"a caption of b\.png holds no word: ''"),
        ("file,caption\na.png,x\nb.png,?!\nc.png,y\nd.png,z\n", r"a caption of b\.png holds no word: '\?!'"),
        ("file,caption\na.png,a star, red\n", r"line 2 has 3 columns, and line 1 has 2"),
        ("a.png,a star\nb.png,red\n", r"line 1 names an image: the first line must name the columns, file,caption"),
        ("file,caption,more\na.png,x,y\n", r"line 1 has 3 columns: it must have two"),
        ("file\na.png\n", r"holds no captions: it needs a line such as file,caption"),
        ("", r"holds no captions"),
        ("file,caption\n", r"holds no captions"),
        (b"file,caption\na.png,caf\xe9\n", r"line 2 has bytes that are not UTF-8: save it as UTF-8"),
        ('file,caption\na.png,"x\n', r"is not CSV"),
        (f"file,caption\na.png,{'x' * 200_000}\n", r"line 2 is not CSV: field larger than field limit"),
    ],
)
def test_files_that_make_no_sense_are_told_in_a_line(images: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as told:
        load(images, content)
    assert "\n" not in str(told.value)


@pytest.mark.filterwarnings("ignore:.*images lie both beside and in subfolders")
def test_what_is_passed_over_or_cut_is_told(images: Path) -> None:
    long = " ".join(["word"] * 10_000)
    with pytest.warns(DataWarning, match=r"names 1 files that are not there, which are passed over: gone\.png"):
        data = load(images, "file,caption\ngone.png,x\n" + ROWS)
    assert data.info.count == 5
    with pytest.warns(DataWarning, match=rf"1 captions have more than {LONGEST} bytes and are cut: a\.png"):
        data = load(images, "file,caption\n" + ROWS.replace("a.png,red", f"a.png,{long}"))
    assert data.info.extra["text_length"] == 51 * 5 - 1  # 51 words of four letters
    assert to_texts(data.fetch("text", torch.tensor([1]))) == [" ".join(["word"] * 51)]


@pytest.mark.filterwarnings("ignore:.*images lie both beside and in subfolders")
def test_names_that_several_images_have_need_their_folder(images: Path) -> None:
    (images / "other").mkdir()
    Image.new("RGB", (8, 8)).save(images / "other" / "c.png")
    with pytest.raises(DataError, match=r"has 1 names that several images have: c\.png\. Write them with folders"):
        load(images, "file,caption\n" + ROWS)


@pytest.mark.filterwarnings("ignore:.*images lie both beside and in subfolders")
def test_a_folder_in_the_place_of_the_file(images: Path) -> None:
    (images / "captions.csv").mkdir()
    with pytest.raises(DataError, match=r"captions\.csv: not a regular file"):
        load(images)


def test_classes_and_captions_go_together(images: Path) -> None:
    for name in "ab":
        (images / "more").mkdir(exist_ok=True)
        (images / f"{name}.png").rename(images / "more" / f"{name}.png")
    (images / "captions.csv").write_text("file,caption\n" + ROWS)
    config = RunConfig(variant="x", dataset=f"folder:{images}", resolution=8, only="more")
    data = load_dataset(config.dataset, config)
    assert sorted(to_texts(data.fetch("text", torch.arange(3)))) == ["a blue star", "a red star", "red"]
    assert data.labels is not None
    assert data.labels.tolist() == [0, 0, 0]


def test_texts_are_rows_of_bytes() -> None:
    texts = ["a star", "café", ""]
    assert to_texts(to_rows(texts, 8)) == texts
    assert to_rows(["é"], 4).tolist() == [[0xC3, 0xA9, 0, 0]]
    assert cut("a red star", 7) == "a red"
    assert cut("éé", 3) == "é"
    assert cut("a red star", 10) == "a red star"
    assert facts(["b a b", "don't c-d"], 9) == {"text_length": 9, "words": ["a", "b", "c-d", "don't"]}
