"""Kinds of samples: how each is drawn, and the files that it can be written to."""

import dataclasses
import io
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.data.base import DataInfo
from ganzoo.data.kinds import in_time, render, sides_of, sound_of, view, writers
from ganzoo.data.kinds.voxels import draw_voxels
from ganzoo.data.kinds.waves import as_wav, draw_waves
from ganzoo.errors import PluginError

SAMPLES: dict[str, Tensor] = {
    "images": torch.rand(3, 1, 5, 7) * 2 - 1,
    "points": torch.randn(3, 2),
    "waves": torch.rand(3, 2, 300) * 2 - 1,
    "voxels": torch.rand(3, 1, 4, 5, 6) * 2 - 1,
    "sequences": torch.rand(3, 9, 4),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_kind_is_drawn_as_pictures(kind: str) -> None:
    info = DataInfo("some", kind, tuple(SAMPLES[kind].shape[1:]))
    pictures = render(SAMPLES[kind], info)
    assert pictures.dtype == torch.uint8
    assert pictures.dim() == 4
    assert len(pictures) == (1 if kind == "points" else 3)
    assert pictures.float().std() > 0
    with pytest.raises(PluginError, match="'smells' cannot be drawn: the variant must implement render"):
        render(SAMPLES[kind], dataclasses.replace(info, kind="smells"))


def test_a_wave_is_dark_where_it_is() -> None:
    low, high = draw_waves(torch.stack([torch.full((1, 256), -1.0), torch.full((1, 256), 1.0)]))
    assert low[0, -1].max() < 64, "at the bottom"
    assert low[0, 0].min() > 200
    assert torch.equal(high[0, :64], low[0, :64].flip(0))
    short = draw_waves(torch.tensor([[[-1.0, 1.0]]]))
    assert short.shape == (1, 1, 128, 128)
    column = short[0, 0, :64].min(0).values
    assert int(column.max()) < 64, "the line does not break, however short the wave is"


def test_a_spectrogram_tells_a_tone_from_noise_and_silence() -> None:
    time = torch.arange(4_096) / 16_000
    tones = [torch.sin(2 * torch.pi * hertz * time) for hertz in (300, 3_000)]
    rng = torch.Generator().manual_seed(0)
    noise = torch.rand(4_096, generator=rng) * 2 - 1
    low, high, noisy, silent = draw_waves(torch.stack([*tones, noise, 0 * noise])[:, None], 16_000)[:, 0, 65:].float()
    dark = [picture.mean(1).argmin().item() for picture in (low, high)]
    assert dark[0] > dark[1] + 20, "low tones are at the bottom"
    assert all(picture.mean(1).min() < 60 and (picture.mean(1) > 200).sum() > 20 for picture in (low, high))
    assert noisy.mean(1).max() < 180, "noise is everywhere"
    assert (silent == 255).all()
    halved = draw_waves(tones[1][None, None], 32_000)[0, 0, 65:].float()
    assert halved.mean(1).argmin() < dark[1], "at twice the rate it is an octave higher"


def test_the_steps_of_a_walk_are_heard_in_turn() -> None:
    walks = torch.arange(2 * 3 * 2 * 4).reshape(2, 3, 2, 4).float()
    joined = in_time("waves", ".wav")
    assert joined is not None
    assert torch.equal(joined(walks)[1, 0], torch.cat([walks[1, step, 0] for step in range(3)]))
    assert in_time("waves", ".npy") is None
    assert in_time("images", ".wav") is None


def test_a_cube_is_as_wide_as_high_and_near_ones_hide_far_ones() -> None:
    one = torch.full((1, 1, 1, 1, 1), 1.0)
    picture = draw_voxels(one)[0, 0]
    solid = picture != 245
    assert (int(solid.any(1).sum()), int(solid.any(0).sum())) == (4, 4)
    assert set(picture[solid].tolist()) == {225, 150, 95}, "a top and two sides"
    empty = draw_voxels(-one)[0, 0]
    assert (empty == 245).all()
    block = draw_voxels(torch.ones(1, 1, 3, 3, 3))[0, 0]
    assert (block != 245).float().mean() > 0.5


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_kind_is_written_as_an_array(kind: str, tmp_path: Path) -> None:
    info = DataInfo("some", kind, tuple(SAMPLES[kind].shape[1:]))
    writers(kind)[".npy"](SAMPLES[kind], tmp_path / "a.npy", info)
    assert np.array_equal(np.load(tmp_path / "a.npy"), SAMPLES[kind].numpy())
    assert (".wav" in writers(kind)) == (kind == "waves")


def test_sounds_are_written_with_their_rate_and_channels(tmp_path: Path) -> None:
    info = DataInfo("some", "waves", (2, 300), extra={"sample_rate": 22_050})
    writers("waves")[".wav"](SAMPLES["waves"], tmp_path / "a.wav", info)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-0000.wav", "a-0001.wav", "a-0002.wav"]
    with wave.open(str(tmp_path / "a-0002.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (22_050, 2, 300)
        found = np.frombuffer(file.readframes(300), dtype=np.int16).reshape(300, 2).T / 32_767
    assert np.allclose(found, SAMPLES["waves"][2].numpy(), atol=1e-4)
    writers("waves")[".wav"](SAMPLES["waves"][:1], tmp_path / "one.wav", info)
    assert (tmp_path / "one.wav").exists()


def test_waves_are_heard_at_the_rate_of_their_data() -> None:
    info = DataInfo("some", "waves", (2, 300), extra={"sample_rate": 8_000})
    sound = sound_of(SAMPLES["waves"], info)
    assert sound is not None
    assert sound[1] == 8_000
    with wave.open(io.BytesIO(as_wav(sound[0][0], sound[1]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8_000, 2, 300)
    assert sound_of(SAMPLES["images"], dataclasses.replace(info, kind="images")) is None
    assert sound_of(SAMPLES["images"], dataclasses.replace(info, kind="smells")) is None


def test_voxels_are_seen_from_all_sides() -> None:
    shape = torch.full((1, 1, 4, 4, 4), -1.0)
    shape[0, 0, 0, :, 0] = 1  # a pole in a corner
    info = DataInfo("some", "voxels", (1, 4, 4, 4))
    pictures = [view(shape, info, side) for side in range(sides_of(info))]
    assert len(pictures) > 1
    assert torch.equal(pictures[0], render(shape, info))
    assert all(a.shape == b.shape and not torch.equal(a, b) for a, b in pairwise(pictures))
    flat = DataInfo("some", "images", (1, 5, 7))
    assert sides_of(flat) == 1
    assert torch.equal(view(SAMPLES["images"], flat, 0), render(SAMPLES["images"], flat))
