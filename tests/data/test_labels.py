"""Labels from a CSV file: classes, attributes, and every way in which such a file can be wrong."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.load import load_dataset
from ganzoo.data.published import vision
from ganzoo.data.sources import folder, labels
from ganzoo.errors import ConfigError, DataError
from ganzoo.training.setup import prepare


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for i, name in enumerate(("a.png", "b.png", "deep/c.png", "deep/d.png")):
        path = tmp_path / "in" / "all" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (60 * i, 0, 90)).save(path)
    return tmp_path / "in"


def load(images: Path, text: str | bytes, **settings: object) -> Dataset:
    table = images.parent / "labels.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    request = {"resolution": 8, "root": images.parent / "data", "labels_from": str(table), **settings}
    return folder.load(DataRequest(name="folder", argument=str(images), **request))


@pytest.mark.parametrize("memory", [2**30, 0])
def test_two_columns_are_classes(images, memory):
    rows = "all/a.png,10\nall/b.png,9\nall/deep/c.png,9\nd.png,10\n"
    data = load(images, "file,class\n" + rows, memory=memory)
    assert (data.info.classes, data.labels.tolist()) == (("9", "10"), [1, 0, 0, 1])
    other = load(images, "\ufefffile;class\r\n" + rows.replace(",", ";"), memory=memory)  # as a spreadsheet writes it
    assert other.labels.tolist() == data.labels.tolist()
    swapped = load(images, "file,class\n" + rows.replace("9", "x"), memory=memory)
    assert len({data.info.digest, other.info.digest, swapped.info.digest}) == 3
    for each in (data, other, swapped):
        each.close()


def test_more_columns_are_attributes(images):
    data = load(images, "file,smiling,hat\na.png,1,-1\nb.png,-1,-1\nc.png,1,1\nd.png,-1,1\n")
    assert data.info.extra == {"attributes": ["smiling", "hat"]}
    assert data.info.classes == ()
    assert data.fields["attributes"].tolist() == [[1, 0], [0, 0], [1, 1], [0, 1]]
    assert data.info.fields == ("images", "attributes")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,class\na.png,x\n", r"no row for 3 of 4 images: all/b\.png, all/deep/c\.png, all/deep/d\.png\. Add them"),
        ("file,class\na.png,x\na.png,x\nb.png,y\n", r"names 1 images more than once: a\.png"),
        ("all/a.png,x\nb.png,y\n", "line 1 names an image"),
        ("file,class\na.png,x,y\n", "line 2 has 3 columns, and line 1 has 2"),
        ("file,class\na.png,\nb.png,x\nc.png,x\nd.png,y\n", r"1 images have no class: all/a\.png"),
        ("file,class\na.png,x\nb.png,x\nc.png,x\nd.png,x\n", "all images have the class 'x'"),
        ("file,p,q\na.png,1,0\nb.png,2,0\nc.png,1,1\nd.png,1,1\n", r"p of all/b\.png is '2': attributes are 0 or 1"),
        ("", "holds no labels"),
        (b"file,class\na.png,caf\xe9\n", "line 2 has bytes that are not UTF-8"),
        ('file,class\na.png,"x\n', "is not CSV"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line(images, text, said):
    with pytest.raises(DataError, match=said) as error:
        load(images, text)
    assert "\n" not in str(error.value)


def test_names_that_several_images_have_need_their_folders(images):
    Image.new("RGB", (8, 8)).save(images / "all" / "deep" / "a.png")
    with pytest.raises(DataError, match=r"1 names that several images have: a\.png"):
        load(images, "file,class\na.png,x\nb.png,x\nc.png,x\nd.png,x\n")


def test_rows_of_files_that_are_not_there_are_told(images):
    rows = "a.png,x\nb.png,y\nc.png,x\nd.png,y\nz.png,x\n"
    with pytest.warns(DataWarning, match=r"names 1 files that are not there, which are passed over: z\.png"):
        load(images, "file,class\n" + rows)


def test_files_that_cannot_be_read(images, monkeypatch):
    for path, said in ((images / "none.csv", "no such file"), (images, "not a regular file")):
        with pytest.raises(DataError, match=said):
            load(images, "", labels_from=str(path))
    monkeypatch.setattr(labels, "MOST", 10)
    with pytest.raises(DataError, match=r"12 bytes, and no more than 10 are read"):
        load(images, "file,class\na")


def test_splits_share_the_classes_of_a_table(images):
    (images / "all").rename(images / "train")
    (images / "train" / "deep").rename(images / "val")
    text = "file,class\na.png,x\nb.png,x\nval/c.png,y\nd.png,x\n"
    with pytest.warns(DataWarning, match="are splits"):
        data = load(images, text, split="test")
    assert (data.info.classes, data.labels.tolist()) == (("x", "y"), [1, 0])


def test_a_run_keeps_the_path_in_full_and_other_sets_refuse_it(images, tmp_path):
    text = "file,class\na.png,x\nb.png,y\nc.png,x\nd.png,y\n"
    load(images, text)
    job = prepare("cgan", f"folder:{images}", settings={"labels_from": "labels.csv", "resolution": 16})
    assert job.config.labels_from == str(tmp_path / "labels.csv")
    assert job.dataset.info.classes == ("x", "y")
    with pytest.raises(ConfigError, match=r"labels_from = .* is for folder:PATH, not for 'glyphs'"):
        prepare("cgan", "glyphs", settings={"labels_from": "labels.csv"})
    config = RunConfig(variant="none", dataset="glyphs", second=f"folder:{images}", labels_from="x", resolution=8)
    assert load_dataset("glyphs", config).second.labels is None  # it is of the first set


def test_celeba_has_its_attributes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """torchvision reads the list; it is asked for nothing else here, because the files cannot be had freely."""
    folder = tmp_path / vision.CELEBA_FOLDER
    folder.mkdir(parents=True)
    for name in ("000001.jpg", "000002.jpg"):
        Image.new("RGB", (178, 218), (9, 99, 199)).save(folder / name)
    listed = SimpleNamespace(
        filename=["000001.jpg", "000002.jpg"],
        attr=torch.tensor([[0, 1], [1, 1]]),
        attr_names=["Eyeglasses", "Smiling", ""],
    )
    monkeypatch.setattr(vision, "_torchvision", lambda *given: listed)
    monkeypatch.setattr(vision, "require", lambda *given: [])
    found = vision.load_celeba(DataRequest(name="celeba", root=tmp_path, resolution=32))
    assert (found.info.shape, found.info.fields) == ((3, 32, 32), ("images", "attributes"))
    assert found.info.extra == {"attributes": ["Eyeglasses", "Smiling"]}
    assert found.fields["attributes"].tolist() == [[0, 1], [1, 1]]
    listed.attr = torch.tensor([[1, 1], [1, 1]])
    other = vision.load_celeba(DataRequest(name="celeba", root=tmp_path, resolution=32))
    assert other.info.digest != found.info.digest
