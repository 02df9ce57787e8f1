"""The film that a training leaves: whole over a resume, and never the reason that a run fails."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganzoo
from ganzoo.errors import Interrupted, UsageError
from ganzoo.registry.registry import registry
from ganzoo.report.films import save_timelapse
from ganzoo.training.diagnostics import TrainingWarning

from .helpers import StopAt, assert_same, history, state_of, train

SETTINGS: dict[str, Any] = {"dataset": "ring", "sample_every": 2, "log_every": 2, "timelapse": True}


def frames(path: Path) -> list[np.ndarray]:
    with Image.open(path) as film:
        found = []
        for i in range(film.n_frames):
            film.seek(i)
            found.append(np.asarray(film.convert("L")))
        return found


def test_the_film_shows_every_picture_and_changes_nothing(tmp_path: Path) -> None:
    plain = train(tmp_path / "plain", 6, "vanilla", **{**SETTINGS, "timelapse": False})
    run = train(tmp_path / "run", 6, "vanilla", **SETTINGS)
    assert not (plain.path / "timelapse.gif").exists()
    assert_same(state_of(plain), state_of(run))
    found = frames(run.path / "timelapse.gif")
    assert len(found) == 3
    with Image.open(run.path / "samples" / "step-00000006.png") as last:
        shown = np.asarray(last.convert("L"))
    assert (found[-1][: shown.shape[0]] == shown).all()
    assert (found[-1][shown.shape[0] :] < 128).any(), "a line says the step"


def test_the_film_goes_on_over_a_resume(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 8, "vanilla", **SETTINGS)
    listener = StopAt(4)
    registry().attach(listener, "stop")
    try:
        with pytest.raises(Interrupted):
            train(tmp_path / "cut", 8, "vanilla", **SETTINGS)
    finally:
        registry().detach(listener)
    assert not (tmp_path / "cut" / "timelapse.gif").exists()
    resumed = ganzoo.train(out=tmp_path / "cut", resume=True)
    assert_same(state_of(whole), state_of(resumed))
    assert history(whole) == history(resumed)
    one, other = frames(whole.path / "timelapse.gif"), frames(resumed.path / "timelapse.gif")
    assert len(one) == 4
    assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_a_finished_run_gets_its_film_when_asked(tmp_path: Path) -> None:
    run = train(tmp_path / "run", 4, "vanilla", **{**SETTINGS, "timelapse": False})
    before = state_of(run)
    again = ganzoo.train(out=run.path, resume=True, timelapse=True)
    assert len(frames(run.path / "timelapse.gif")) == 2
    assert_same(before, state_of(again))
    longer = ganzoo.train(out=run.path, resume=True, steps=6)
    assert longer.status == "finished"
    assert len(frames(run.path / "timelapse.gif")) == 3


def test_a_film_that_fails_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("the disk\nis full")

    monkeypatch.setattr("ganzoo.training.previews.save_timelapse", fails)
    with pytest.warns(TrainingWarning, match="timelapse-failed at step 4: OSError: the disk is full"):
        run = train(tmp_path / "run", 4, "vanilla", **SETTINGS)
    details = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    assert details["status"] == "finished"
    assert [w["name"] for w in details["warnings"]] == ["timelapse-failed"]


def test_pictures_of_other_sizes_and_damaged_ones(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    Image.new("L", (20, 10), 30).save(folder / "step-00000001.png")
    Image.new("RGBA", (40, 20), (200, 0, 0, 0)).save(folder / "step-00000002.png")
    Image.new("RGB", (40, 20), (0, 90, 0)).save(folder / "step-00000010.png")
    (folder / "note.png").write_text("not one of ours")
    save_timelapse(tmp_path / "a.gif", tmp_path)
    found = frames(tmp_path / "a.gif")
    assert [frame.shape for frame in found] == [(38, 40)] * 3
    assert [int(frame[5, 5]) for frame in found][:2] == [30, 255], "magnified; transparency is white"
    save_timelapse(tmp_path / "b.gif", tmp_path, until=2)
    assert len(frames(tmp_path / "b.gif")) == 2
    save_timelapse(tmp_path / "c.gif", tmp_path, most=2)
    assert int(frames(tmp_path / "c.gif")[-1][5, 5]) == int(found[-1][5, 5]), "the last one is among the chosen"
    (folder / "step-00000002.png").write_text("damaged")
    with pytest.raises(ganzoo.errors.RunError, match="a picture cannot be read"):
        save_timelapse(tmp_path / "d.gif", tmp_path)
    assert not (tmp_path / "d.gif").exists()
    with pytest.raises(UsageError, match="samples/ is empty"):
        save_timelapse(tmp_path / "e.gif", tmp_path, until=0)
