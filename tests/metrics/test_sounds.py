"""Measures of sounds, against sounds whose pitch and spectrum are known."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.drawn import tones
from ganzoo.data.spectrograms import SILENCE, log_mel, mel_bands
from ganzoo.errors import DataError, UsageError
from ganzoo.metrics.base import take
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import load_metrics
from ganzoo.metrics.measures import sounds
from ganzoo.metrics.targets import DatasetTarget, EvaluationTarget, NetworkTarget
from ganzoo.models.interfaces import Generator

LENGTH = 1_024


def data(split: str) -> Dataset:
    return tones.load(DataRequest("tones", Path("unused"), split=split, length=LENGTH))


@pytest.fixture(scope="module")
def splits() -> dict[str, Dataset]:
    return {split: data(split) for split in ("train", "test")}


def context(target: EvaluationTarget, splits: dict[str, Dataset]) -> EvaluationContext:
    return EvaluationContext(
        target, "tones", lambda split: splits[split or "train"], torch.device("cpu"), trained="tones"
    )


def measured(name: str, target: EvaluationTarget, splits: dict[str, Dataset]) -> dict[str, float]:
    (metric,) = load_metrics([name])
    made = context(target, splits)
    metric.prepare(made)
    return take(metric, made).values


def of_data(dataset: Dataset) -> DatasetTarget:
    return DatasetTarget("real", {}, dataset.info.shape, "waves", dataset=dataset)


def changed(dataset: Dataset, change: Any) -> Dataset:
    waves = change(dataset.fetch("images", torch.arange(len(dataset.source))))
    return Dataset(dataset.info, {**dataset.fields, "images": waves})


@pytest.mark.parametrize("hertz", [70.0, 131.0, 333.3, 988.0])
def test_a_pitch_is_found_whatever_its_overtones_are(hertz: float) -> None:
    time = torch.arange(4_096) / 16_000
    partials = {"sine": [1], "odd": [1, 0, 1, 0, 1], "weak first": [0.1, 1, 0.8, 0.6], "rich": [1] * 7}
    waves = [
        sum(a * torch.sin(2 * torch.pi * hertz * k * time + k) for k, a in enumerate(p, 1)) for p in partials.values()
    ]
    fading = torch.stack(waves) * torch.exp(-time * 8)
    found, clear = sounds.pitches(fading, 16_000)
    assert (12 * (found / hertz).log2()).abs().max() < 0.2, "a fifth of a semitone"
    assert clear.min() > 0.95
    slower, _ = sounds.pitches(fading, 8_000)
    assert torch.allclose(slower, found / 2) or hertz < 2 * sounds.LOWEST


def test_noise_and_silence_have_no_pitch() -> None:
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(50, 1, 2_048, generator=rng)
    _, clear = sounds.pitch_classes(torch.cat([noise, 0 * noise[:1]]), 16_000)
    assert not clear.any()
    assert not sounds.pitch_classes(torch.ones(2, 1, 16), 16_000)[1].any(), "too short to repeat"


def test_pitch_classes_are_those_of_the_tones(splits: dict[str, Dataset]) -> None:
    some = torch.arange(600)
    found, clear = sounds.pitch_classes(splits["test"].fetch("images", some), 16_000)
    assert float(((found == splits["test"].labels[some]) & clear).float().mean()) > 0.98


def test_loudness_is_in_decibels_below_a_full_sine() -> None:
    time = torch.arange(4_096) / 16_000
    sine = torch.sin(2 * torch.pi * 1_000 * time)
    loud, soft, silent = log_mel(torch.stack([sine, sine / 10, 0 * sine]), 16_000, 64, 512, 128)[:, :, 16].unbind()
    assert float(loud.max()) == pytest.approx(0, abs=1)
    assert float(loud.max() - soft.max()) == pytest.approx(20, abs=0.01)
    assert (silent == SILENCE).all()
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8_000 / 700), 66) / 2595) - 1)
    assert int(loud.argmax()) == int(np.abs(corners[1:-1] - 1_000).argmin())
    assert mel_bands(16_000, 64, 64).amax(1).min() > 0, "every band hears something"


def test_the_distance_is_small_for_real_sounds_and_grows_with_damage(splits: dict[str, Dataset]) -> None:
    real = measured("fd-spectrogram-2k", of_data(splits["test"]), splits)
    assert list(real) == ["distance", "floor"]
    assert real["distance"] == pytest.approx(real["floor"], rel=0.3), "other test sounds of the same split"
    rng = torch.Generator().manual_seed(0)
    noisy = changed(splits["test"], lambda x: x + 0.05 * torch.randn(x.shape, generator=rng))
    found = measured("fd-spectrogram-2k", of_data(noisy), splits)
    assert found["floor"] == real["floor"]
    assert found["distance"] > 20 * real["distance"]


def test_clear_pitches_are_counted_beside_those_of_real_sounds(splits: dict[str, Dataset]) -> None:
    rng = torch.Generator().manual_seed(0)

    def half(waves: Tensor) -> Tensor:
        waves = waves.clone()
        waves[::2] = torch.randn(waves[::2].shape, generator=rng) / 4
        return waves

    found = measured("clear-pitch-2k", of_data(changed(splits["test"], half)), splits)
    assert found["share"] == pytest.approx(0.5, abs=0.03)
    assert found["of real ones"] > 0.98


class Organ(Generator):
    """Plays test tones of the class that it is asked for, or of the next one."""

    def __init__(self, tones: Dataset, off: int = 0, classes: int = 12) -> None:
        super().__init__(1, classes)
        self.waves, self.off = tones.fetch("images", torch.arange(1_200)), off

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        octave = torch.arange(len(latents)) % 100
        return self.waves[octave * 12 + (0 if condition is None else (condition + self.off) % 12)]


@pytest.mark.parametrize(("off", "expected"), [(0, 1.0), (1, 0.0)])
def test_accuracy_is_of_the_pitch_that_was_asked_for(off: int, expected: float, splits: dict[str, Dataset]) -> None:
    organ = Organ(splits["test"], off)
    target = NetworkTarget("organ", {}, (1, LENGTH), "waves", {"generator": organ}, generator=organ)
    found = measured("pitch-accuracy-2k", target, splits)
    assert found["accuracy"] == pytest.approx(expected, abs=0.02)
    assert found["of real ones"] > 0.98


def test_a_pitch_cannot_be_asked_for_without_pitch_classes(splits: dict[str, Dataset]) -> None:
    animals = {
        split: Dataset(dataclasses.replace(each.info, classes=("dog", *each.info.classes[1:])), each.fields)
        for split, each in splits.items()
    }
    organ = Organ(splits["test"])
    target = NetworkTarget("organ", {}, (1, LENGTH), "waves", {"generator": organ}, generator=organ)
    with pytest.raises(DataError, match="class 'dog' of 'tones' is no pitch; pitches are C, C#"):
        measured("pitch-accuracy-2k", target, animals)
    with pytest.raises(UsageError, match="takes no labels, so there is no pitch to ask for"):
        measured("pitch-accuracy-2k", of_data(splits["test"]), splits)
