"""``ganzoo edit``: attributes of images, changed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.base import to_unit
from ganzoo.models.edit import editor_of
from ganzoo.runs.trained import open_run

from .conftest import Invoke


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {"steps": 2, "batch_size": 4, "width": 4, "device": "cpu", "resolution": 16}
    return ganzoo.train("icgan", "shapes", out=tmp_path_factory.mktemp("runs") / "run", **settings).path


def test_edit_writes_rows_or_single_images(run: Path, invoke: Invoke, tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (20, 16), (250, 120, 30)).save(faces / f"{name}.png")
    target = tmp_path / "rows.png"
    assert invoke("edit", run, "--input", faces, "-s", "warm=no", "--output", target).out.strip() == str(target)
    with Image.open(target) as picture:
        assert picture.size == (3 * 18 + 2, 2 * 18 + 2)
    invoke("edit", run, "--input", faces, "-s", "warm=no", "--output", tmp_path / "edited")
    edited = sorted((tmp_path / "edited").iterdir())
    assert [path.name for path in edited] == ["a.png", "b.png"]
    networks = open_run(run)
    editor = editor_of({role: networks.network(role) for role in networks.roles})
    assert editor is not None
    pixels = torch.tensor([250, 120, 30], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 16, 16)
    expected = editor.edit(to_unit(pixels), {1: 0.0})
    with Image.open(edited[0]) as picture:
        found = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    torch.testing.assert_close(found.float(), ((expected[0] + 1) * 127.5).round(), atol=1, rtol=0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-s", "hat=yes"], "attribute 'hat' is unknown: choose from large, warm"),
        (["-s", "warm"], "-s warm: write it as -s KEY=VALUE"),
        (["--output", "x.jpg"], "--output x.jpg: name a FILE.png or a folder"),
        (["--input", "missing.png"], "missing.png"),
    ],
)
def test_a_wrong_edit_is_one_line(words: list[str], said: str, run: Path, invoke: Invoke, tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    given = {"--input": str(tmp_path / "a.png"), "--output": str(tmp_path / "out.png")}
    for key, value in zip(words[::2], words[1::2], strict=True):
        given[key] = value
    done = invoke("edit", run, *(word for pair in given.items() for word in pair), code=2)
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out.png").exists()


def test_a_run_without_attributes_edits_nothing(plain_run: Path, invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("edit", plain_run, "--input", tmp_path, "--output", tmp_path / "out.png", code=2)
    assert "to edit takes a generator of attributes and its two encoders" in done.err
