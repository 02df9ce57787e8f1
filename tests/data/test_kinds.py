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
from ganzoo.data.kinds import render, sides_of, sound_of, view, writers
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
    assert torch.equal(high, low.flip(1))
    short = draw_waves(torch.tensor([[[-1.0, 1.0]]]))
    assert short.shape == (1, 1, 64, 128)
    column = short[0, 0].min(0).values
    assert int(column.max()) < 64, "the line does not break, however short the wave is"


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
