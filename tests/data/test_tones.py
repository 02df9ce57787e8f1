"""Tones: their pitch, their bytes, and the settings of waves."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest
from ganzoo.data.drawn import tones
from ganzoo.data.load import load_dataset
from ganzoo.data.specs.drawn import PITCHES
from ganzoo.errors import ConfigError


def test_the_bytes_are_those_of_every_machine() -> None:
    # A change here changes every run on tones.
    found = hashlib.sha256(tones.render(60, 512, "train", 0).tobytes()).hexdigest()
    assert found == "574485ee17f6bb403fccfa0596deb5b784c0507c26b292b75345cab4b3fa5041"


def test_the_tables_hold_sines_and_their_harmonics() -> None:
    angle = 2 * np.pi * np.arange(2**tones.TABLE_BITS) / 2**tones.TABLE_BITS
    for table, amplitudes in zip(tones.tables(), tones.TIMBRES.values(), strict=True):
        true = sum(a * np.sin(k * angle) for k, a in enumerate(amplitudes, 1))
        assert np.allclose(table, true / np.abs(true).max(), atol=1e-12)
        assert np.abs(table).max() == 1


def test_a_label_is_the_pitch_class_of_the_strongest_partials() -> None:
    """By the spectrum of each tone: all its lines are multiples of a frequency of that class."""
    waves = tones.render(120, 4_096, "test", 0)[:, 0]
    spectrum = np.abs(np.fft.rfft(waves * np.hanning(4_096), 2**16))
    hertz = np.fft.rfftfreq(2**16, 1 / tones.RATE)
    for number, lines in enumerate(spectrum):
        peak = hertz[int(lines.argmax())]
        notes = [(12 * np.log2(peak / k / 440)) for k in (1, 2, 3)]  # the loudest may be one of the first three
        classes = [(round(note) + 9) % 12 for note in notes if abs(note - round(note)) < 0.1]
        assert number % 12 in classes, PITCHES[number % 12]


def test_tones_fade_and_differ() -> None:
    waves = tones.render(60, 4_096, "train", 0)[:, 0]
    loud = np.abs(waves).reshape(60, 8, 512).max(2)
    assert (loud[:, 0] > loud[:, -1]).all()
    assert np.abs(waves).max() <= 1
    assert (np.abs(waves[:, 0]) < 0.02).all(), "a tone sets in as its period begins"
    assert not np.array_equal(waves, tones.render(60, 4_096, "test", 0)[:, 0])
    assert len(np.unique(np.round(loud[:, 1], 4))) > 50


def test_they_are_loaded_with_labels_at_any_length() -> None:
    found = tones.load(DataRequest("tones", Path("unused"), split="test", length=64))
    assert (found.info.shape, found.info.count, found.info.kind) == ((1, 64), 2_400, "waves")
    assert found.info.extra["sample_rate"] == 16_000
    assert torch.bincount(found.labels).tolist() == [200] * 12
    with pytest.raises(ConfigError, match="length = 1048576: 6,000 tones of this length do not fit into memory"):
        tones.load(DataRequest("tones", Path("unused"), length=2**20))
    with pytest.raises(ConfigError, match="sample_rate = 8000: tones are drawn at 16,000 Hz"):
        tones.load(DataRequest("tones", Path("unused"), sample_rate=8_000))
    with pytest.raises(ConfigError, match="say nothing about the waves of data set 'tones'"):
        tones.load(DataRequest("tones", Path("unused"), resolution=32))


@pytest.mark.parametrize("setting", [{"length": 64}, {"sample_rate": 8_000}])
def test_settings_of_waves_are_refused_for_images(setting: dict[str, int]) -> None:
    (key,) = setting
    with pytest.raises(ConfigError, match=f"{key} = .* is for waves, not for the images of data set 'glyphs'"):
        load_dataset("glyphs", RunConfig(variant="none", dataset="glyphs", **setting))


@pytest.mark.parametrize(("setting", "there"), [({"length": 4_096}, 64), ({"sample_rate": 44_100}, 16_000)])
def test_a_set_that_cannot_be_brought_to_a_length_says_so(
    setting: dict[str, int], there: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = tones.load(DataRequest("tones", Path("unused"), split="test", length=64))
    monkeypatch.setattr(tones, "load", lambda request: fixed)
    config = RunConfig(variant="none", dataset="tones", **setting)
    (key,) = setting
    with pytest.raises(ConfigError, match=rf"{key} = \d+: data set 'tones' comes with {there} only; leave it out"):
        load_dataset("tones", config)
