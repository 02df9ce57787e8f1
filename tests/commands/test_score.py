"""``ganzoo score``: tables and maps, and what is refused in one line."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.report.oddities import heat, panels
from ganzoo.runs.trained import TrainedRun

from ..training.helpers import TINY

Invoke = Callable[..., Any]
SMALL: dict[str, Any] = {**TINY, "steps": 6, "width": 4, "latent_dim": 8, "resolution": 16, "search_steps": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    return ganzoo.train("anogan", "glyphs", out=tmp_path_factory.mktemp("runs") / "run", **SMALL)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(3):
        Image.new("L", (16, 16), 100 * i).save(folder / f"p{i}.png")
    return folder


def test_a_table_of_scores(run: TrainedRun, pictures: Path, invoke: Invoke, tmp_path: Path) -> None:
    out = invoke("score", run.path, "--input", pictures).out
    header, *rows = list(csv.reader(out.splitlines()))
    assert header == ["image", "score"]
    assert [Path(name).name for name, _ in rows] == ["p0.png", "p1.png", "p2.png"]
    given = torch.stack([torch.full((1, 16, 16), 100 * i / 127.5 - 1) for i in range(3)])
    np.testing.assert_allclose([float(score) for _, score in rows], run.score(given).tolist(), rtol=1e-4)
    invoke("score", run.path / "scorer.safetensors", "--input", pictures, "--output", tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text() == out
    invoke("score", run.path, "--input", pictures / "p1.png", "--output", tmp_path / "s.json")
    (found,) = json.loads((tmp_path / "s.json").read_text())
    assert found["score"] == pytest.approx(float(rows[1][1]), rel=1e-4)


def test_settings_of_the_scorer(run: TrainedRun, pictures: Path, invoke: Invoke) -> None:
    usual, other = (invoke("score", run.path, "--input", pictures, *words).out for words in ((), ("-s", "steps=0")))
    assert usual != other
    assert usual == invoke("score", run.path, "--input", pictures, "-s", "steps=3").out


def test_maps(run: TrainedRun, pictures: Path, invoke: Invoke, tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    invoke("score", run.path, "--input", pictures, "--maps", maps)
    assert [path.name for path in sorted(maps.iterdir())] == ["00000-p0.png", "00001-p1.png", "00002-p2.png"]
    with Image.open(maps / "00002-p2.png") as image:
        assert image.mode == "RGB"
        assert image.size == (3 * 98 + 2, 100)
        assert image.getpixel((10, 10)) == (200, 200, 200), "first comes the image itself"
        assert image.text["ganzoo.variant"] == "anogan"
    said = invoke("score", run.path, "--input", pictures, "--maps", maps, code=2).err
    assert "is not empty" in said
    invoke("score", run.path, "--input", pictures, "--maps", maps, "--overwrite")


def test_colours_of_differences() -> None:
    found = heat(torch.tensor([[[0.0, 1 / 3, 2 / 3, 1.0, 2.0]]]))
    assert found.permute(1, 2, 0)[0].tolist() == [
        [0, 0, 0], [255, 0, 0], [255, 255, 0], [255, 255, 255], [255, 255, 255],
    ]  # fmt: skip
    sheet = panels(torch.zeros(3, 8, 8), torch.ones(3, 8, 8), torch.zeros(1, 8, 8))
    assert sheet.shape == (3, 100, 3 * 98 + 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--output", "s.txt"), "the name must end in .csv or .json"),
        (("--output", "there.csv"), "exists: add --overwrite"),
        (("--maps", "there.csv"), "it is a file, name a folder"),
        (("-s", "stpes=3"), "did you mean 'steps'"),
        (("-s", "steps=-1"), "out of range"),
        (("--input", "nothing.png"), "no such file or folder"),
        (("--input", "there.csv"), "there.csv cannot be read"),
        (("--input", "empty"), "empty holds no images"),
    ],
)
def test_bad_requests_are_one_line(
    words: tuple[str, ...], message: str, run: TrainedRun, pictures: Path, invoke: Invoke, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("x")
    (tmp_path / "empty").mkdir()
    said = invoke("score", run.path, "--input", pictures, *words, code=2).err
    assert message in said
    assert len(said.strip().splitlines()) <= 2


def test_a_run_without_a_scorer_is_refused(pictures: Path, invoke: Invoke, tmp_path: Path) -> None:
    other = ganzoo.train("vanilla", "glyphs", out=tmp_path / "other", **{**TINY, "steps": 2})
    said = invoke("score", other.path, "--input", pictures, code=2).err
    assert "no scorer of anomalies" in said


def test_the_settings_are_listed(invoke: Invoke) -> None:
    assert "score -s" in invoke("info", "anogan").out
