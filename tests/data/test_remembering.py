"""Decoded folders are remembered: the second start gives the same data without decoding, and nothing stale is used."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from ganzoo.cli import data as data_command
from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.images import entries as entries_module
from ganzoo.data.images import remember
from ganzoo.data.images.entries import entries
from ganzoo.data.sources import folder
from ganzoo.errors import DataError, UsageError


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A labelled folder, one image of it transparent, in a world where six files are many."""
    monkeypatch.setattr(remember, "LEAST", 6)
    monkeypatch.setattr(remember, "SPARE", 0)
    rng = np.random.default_rng(0)
    for i in range(6):
        path = tmp_path / "in" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (8, 8, 4), dtype=np.uint8)
        pixels[..., 3] = 0
        Image.fromarray(pixels if i == 0 else pixels[..., :3].copy()).save(path)
    return tmp_path / "in"


def load(images: Path, **settings: object) -> Dataset:
    request = {"resolution": 8, "root": images.parent / "data", **settings}
    with pytest.warns(DataWarning, match="1 of 6 images have transparency"):  # said each time
        return folder.load(DataRequest(name="folder", argument=str(images), **request))


def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(folder, "decode_all", fail)
    monkeypatch.setattr(folder, "check_all", fail)


@pytest.mark.parametrize("memory", [2**30, 0])
def test_the_second_start_decodes_nothing_and_gives_the_same(images, monkeypatch, memory):
    first = load(images, memory=memory)
    no_decoding(monkeypatch)
    second = load(images, memory=memory)
    assert first.info == second.info
    every = torch.arange(6)
    assert torch.equal(first.source.fetch(every), second.source.fetch(every))
    assert torch.equal(first.labels, second.labels)
    assert bool(list((images.parent / "data" / "decoded").glob("*.npy"))) == bool(memory)
    first.close()
    second.close()


def test_few_files_are_not_remembered(images, monkeypatch):
    monkeypatch.setattr(remember, "LEAST", 7)
    load(images)
    assert not entries(images.parent / "data")


def test_what_decides_the_pixels_decides_the_entry(images, monkeypatch):
    def count() -> int:
        return len(entries(images.parent / "data"))

    digests = [load(images).info.digest]
    for settings in ({"resolution": 4}, {"channels": 1}, {"background": "black"}, {"memory": 0}):
        before = count()
        digests.append(load(images, **settings).info.digest)
        assert count() == before + 1
    assert len(set(digests)) == 5
    monkeypatch.setattr(remember, "VERSION", 0)
    load(images)
    assert count() == 6


def test_a_file_that_changed_is_seen_even_with_its_size_and_time_kept(images):
    load(images)
    path = images / "b" / "1.png"
    stat, content = path.stat(), path.read_bytes()
    other = (images / "b" / "3.png").read_bytes()
    time.sleep(0.02)
    path.write_bytes((other + bytes(len(content)))[: max(len(content), len(other))])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    data = load(images)
    found = data.source.fetch(torch.arange(6))
    assert torch.equal(found[3], found[4])


def test_a_copy_of_the_folder_is_another_folder(images):
    load(images)
    shutil.copytree(images, images.parent / "copy")
    load(images.parent / "copy")
    assert len(entries(images.parent / "data")) == 2


@pytest.mark.parametrize("damage", ["pixels", "text", "short"])
def test_a_damaged_entry_is_decoded_again_with_a_word(images, damage):
    whole = load(images)
    place = images.parent / "data" / "decoded"
    array, text = next(place.glob("*.npy")), next(place.glob("*.json"))
    if damage == "text":
        text.write_text(text.read_text().replace('"transparent": 1', '"transparent": 0'))
    else:
        content = bytearray(array.read_bytes())
        content[-1] ^= 1
        array.write_bytes(content[:-5] if damage == "short" else content)
    with pytest.warns(DataWarning, match="is damaged .* decoded again"):
        again = load(images)
    assert again.info == whole.info


def test_a_full_disk_costs_the_memory_only(images, monkeypatch):
    monkeypatch.setattr(remember, "SPARE", 2**60)
    with pytest.warns(DataWarning, match="has not the space .* is not remembered"):
        load(images)
    monkeypatch.setattr(remember, "SPARE", 0)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remember.np, "save", full)
    with pytest.warns(DataWarning, match="No space left .* is not remembered"):
        load(images)
    assert not entries(images.parent / "data")


def test_a_data_folder_that_is_a_file_costs_the_memory_only(images):
    (images.parent / "data").mkdir()
    (images.parent / "data" / "decoded").touch()
    with pytest.warns(DataWarning, match="cannot be written"):
        load(images)


def test_the_longest_unused_go_first(images, monkeypatch):
    size = 6 * 3 * 64
    monkeypatch.setattr(entries_module, "BUDGET", 3 * size)
    load(images)
    time.sleep(0.02)
    load(images, background="black")
    time.sleep(0.02)
    load(images)  # used once more
    time.sleep(0.02)
    load(images, background="#808080")
    calls = []
    decode_all = folder.decode_all
    monkeypatch.setattr(folder, "decode_all", lambda *words: calls.append(words) or decode_all(*words))
    load(images)
    assert not calls
    load(images, background="black")
    assert len(calls) == 1


def test_what_is_remembered_is_listed_and_forgotten(images, monkeypatch):
    load(images)
    monkeypatch.setenv("GANZOO_DATA", str(images.parent / "data"))

    def run(*words: str) -> object:
        return CliRunner().invoke(data_command.command, words)

    listed = json.loads(run("list", "--json").stdout)["remembered"]
    assert [(entry["folder"], entry["count"]) for entry in listed] == [(str(images), 6)]
    assert f"decoded images of {images}, 6 files" in run("list").stderr
    assert isinstance(run("forget").exception, UsageError)
    assert isinstance(run("forget", "nowhere").exception, DataError)
    assert run("forget", f"folder:{images}").stdout.startswith("forgot 1, ")
    assert not entries(images.parent / "data")
    load(images)
    assert run("forget", "--all").exit_code == 0
    assert not entries(images.parent / "data")
