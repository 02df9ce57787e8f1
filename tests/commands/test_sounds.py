"""Sounds on the command line: walks are heard, own sounds are trained on."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganzoo
from ganzoo.runs.trained import TrainedRun

from ..training.helpers import TINY
from .conftest import Invoke

SMALL: dict[str, Any] = {**TINY, "steps": 2, "width": 2, "latent_dim": 4, "length": 64}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    return ganzoo.train("wavegan", "tones", out=tmp_path_factory.mktemp("runs") / "run", **SMALL)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_walk_is_one_sound(run: TrainedRun, invoke: Invoke, tmp_path: Path) -> None:
    invoke("sample", run.path, "--interpolate", "-n", 5, "--class", "C#", "--output", "walk.wav")
    with wave.open(str(tmp_path / "walk.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 5 * 64)
        heard = np.frombuffer(file.readframes(64), dtype=np.int16) / 32_767
    first = run.sample(1, condition=[1], seed=0)[0, 0].numpy()
    assert np.allclose(heard, first, atol=1e-4), "it begins with the sample of the first latent"
    invoke("sample", run.path, "--morph", "C,G", "-n", 3, "--rows", 2, "--output", "morph.wav")
    assert sorted(path.name for path in tmp_path.glob("morph*")) == ["morph-0000.wav", "morph-0001.wav"]


def test_own_sounds_are_trained_on_and_heard_in_the_report(invoke: Invoke, tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    pytest.importorskip("soxr", reason="soxr is not installed")
    for kind, hertz in (("low", 300), ("high", 2_000)):
        (tmp_path / "own" / kind).mkdir(parents=True)
        for i in range(3):
            tone = np.sin(np.arange(64) * (hertz + i) / 2_000)
            soundfile.write(tmp_path / "own" / kind / f"{i}.wav", tone / 2, 8_000)
    words = [f"-o{key}={value}" for key, value in {**SMALL, "sample_rate": 8_000, "batch_size": 3}.items()]
    words = [word for word in words if not word.startswith("-osteps")]
    invoke("train", "wavegan", "--dataset", "sounds:own", "--steps", 2, "--out", "run", *words)
    invoke("report", "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("data:audio/wav") >= 2, "sounds of each class"
    assert "media-src data:" in page, "else the page's own policy forbids to play them"
    said = invoke("train", "wavegan", "--dataset", "sounds:own", "--steps", 2, "-o", "background=black", code=2).err
    assert "background = 'black' does nothing: it is for images of your own" in said
    said = invoke("train", "wavegan", "--dataset", "sounds:nowhere", "--steps", 2, code=1).err
    assert "does not exist. Give the path of a folder of sounds as sounds:PATH" in said
