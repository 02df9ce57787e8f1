"""Archives of images as folders: what they give, and what must never come out of one."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from ganzoo.cli import data as data_command
from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.images.entries import entries
from ganzoo.data.sources import archive, folder
from ganzoo.errors import DataError

NAMES = ("set/cats/1.png", "set/cats/2.png", "set/dogs/1.png", "set/dogs/2.png")


@pytest.fixture(autouse=True)
def small_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk that tests run on may be nearly full."""
    monkeypatch.setattr(archive, "SPARE", 0)


def load(path: Path, **settings: object) -> Dataset:
    request = {"resolution": 8, "root": path.parent / "data", **settings}
    return folder.load(DataRequest(name="folder", argument=str(path), **request))


def png(colour: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 90, 9)).save(out, format="PNG")
    return out.getvalue()


def pack(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as out:
            for name, content in files.items():
                out.writestr(name, content)
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("ending", archive.ENDINGS)
def test_an_archive_is_a_folder(tmp_path, ending, monkeypatch):
    path = pack(tmp_path / f"set{ending}", {name: png(60 * i) for i, name in enumerate(NAMES)})
    data = load(path)
    assert data.info.name == f"folder:{path}"
    assert (data.info.classes, data.labels.tolist()) == (("cats", "dogs"), [0, 0, 1, 1])
    monkeypatch.setattr(archive, "_unpack", None)  # it is done once
    assert load(path).info.digest == data.info.digest
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "data"))
    assert CliRunner().invoke(data_command.command, ("forget", str(path))).stdout.startswith("forgot 1, ")
    assert not entries(tmp_path / "data")


def test_what_is_no_image_is_passed_over_with_a_word(tmp_path):
    files = {name: png() for name in NAMES} | {"__MACOSX/set/._1.png": b"x", "set/run.exe": b"x", "set/.DS_Store": b"x"}
    path = pack(tmp_path / "set.tar", files)
    with tarfile.open(path, "a") as out:
        link = tarfile.TarInfo("set/cats/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(link)
    with pytest.warns(DataWarning, match="2 entries are not images"):
        assert load(path).info.count == 4
    written = [each for each in (tmp_path / "data" / "unpacked").rglob("*") if each.is_file()]
    assert {each.suffix for each in written} == {".png", ".json", ".lock"} - ({".lock"} if os.name == "nt" else set())


@pytest.mark.parametrize("ending", [".zip", ".tar"])
@pytest.mark.parametrize("name", ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png", "C:\\out.png"])
def test_nothing_is_written_outside(tmp_path, ending, name):
    path = pack(tmp_path / f"set{ending}", {"a.png": png(), name: png()})
    with pytest.raises(DataError, match="leads outside"):
        load(path)
    assert not list(tmp_path.rglob("*.png"))


def test_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "HARMLESS", 2**12)
    for ending in (".zip", ".tgz"):
        path = tmp_path / f"set{ending}"
        if ending == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
                out.writestr("a.png", bytes(2**24))
        else:
            pack(path, {"a.txt": bytes(2**24)})
        with pytest.raises(DataError, match=r"claim to hold .*: not unpacked"):
            load(path)
    monkeypatch.setattr(archive, "MOST", 100)
    with pytest.raises(DataError, match="no more than 100 are taken"):
        load(pack(tmp_path / "big.zip", {name: png() for name in NAMES}))
    monkeypatch.setattr(archive, "MOST", 2**40)
    monkeypatch.setattr(archive, "SPARE", 2**60)
    with pytest.raises(DataError, match="0 can be had"):
        load(pack(tmp_path / "full.zip", {name: png() for name in NAMES}))
    assert not entries(tmp_path / "data")


@pytest.mark.parametrize("ending", archive.ENDINGS)
@pytest.mark.parametrize("damage", ["cut", "other", "empty"])
def test_a_damaged_archive_is_one_line(tmp_path, ending, damage):
    path = pack(tmp_path / f"set{ending}", {name: os.urandom(20_000) for name in NAMES})
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2], "other": b"no archive" * 99, "empty": b""}[damage])
    with pytest.raises(DataError, match="damaged") as error:
        load(path)
    assert "\n" not in str(error.value)
    assert not entries(tmp_path / "data")


def test_an_encrypted_archive_is_one_line(tmp_path):
    path = pack(tmp_path / "set.zip", {name: png() for name in NAMES})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 1)
    path.write_bytes(content)
    with pytest.raises(DataError, match="is encrypted: unpack it yourself"):
        load(path)


def test_two_files_of_one_name_are_refused(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a.png", png())
        with pytest.warns(UserWarning, match="Duplicate name"):
            out.writestr("a.png", png(9))
    with pytest.raises(DataError, match=r"holds two files a\.png"):
        load(path)
