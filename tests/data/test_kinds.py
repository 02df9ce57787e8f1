"""Kinds of samples: how each is drawn, and the files that it can be written to."""

import dataclasses
import io
import math
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
from ganzoo.errors import PluginError, UsageError

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


def test_a_cube_shows_a_top_and_two_sides_and_near_ones_hide_far_ones() -> None:
    one = torch.full((1, 1, 8, 8, 8), -1.0)
    one[0, 0, 2:6, 2:6, 2:6] = 1
    picture = draw_voxels(one)[0, 0].float()
    solid = picture < 240
    rows, columns = solid.any(1).nonzero(), solid.any(0).nonzero()
    tall, wide = (int(edge[-1] - edge[0]) + 1 for edge in (rows, columns))
    corner, above = math.sqrt(2), math.radians(28)  # of a cube of side 1, seen over a corner from above
    assert wide / tall == pytest.approx(corner / (corner * math.sin(above) + math.cos(above)), rel=0.03)
    middle, low = picture.shape[1] // 2, int(rows[-1])
    top, left, right = (picture[int(rows[0]) + 8, middle], picture[low - 12, middle - 6], picture[low - 12, middle + 6])
    assert top > left + 20 > right + 30, "three brightnesses, the light from above and the left"
    assert (draw_voxels(-torch.ones(1, 1, 8, 8, 8)) == 245).all()
    hidden = one.clone()
    hidden[0, 0, 3:5, 3:5, 3:5] = -1
    assert torch.equal(draw_voxels(hidden), draw_voxels(one)), "a hollow is not seen"
    as_bytes = (one > 0).to(torch.uint8) * 255
    assert torch.equal(draw_voxels(as_bytes), draw_voxels(one))


def test_the_first_side_shows_the_front_at_the_left_and_what_is_right_at_the_right() -> None:
    floor = torch.full((1, 1, 8, 8, 8), -1.0)
    places = {"front": (7, 3), "right": (3, 7), "back": (0, 3), "left": (3, 0)}
    found = {}
    for name, (z, x) in places.items():
        one = floor.clone()
        one[0, 0, z, 7, x] = 1
        rows, columns = (draw_voxels(one)[0, 0] < 240).nonzero().float().mean(0)
        found[name] = float(rows), float(columns)
    assert found["front"][0] > found["back"][0] + 5, "near is low in the picture, because it is seen from above"
    assert found["right"][0] > found["left"][0] + 5
    assert found["right"][1] > found["front"][1] + 5
    assert found["back"][1] > found["left"][1] + 5


def test_a_shape_becomes_a_closed_mesh_the_right_way_up(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    shape = torch.full((2, 1, 8, 8, 8), -1.0)
    shape[:, 0, 1:3, 4:8, 2:7] = 1  # depth 2, height 4 above the floor, width 5
    writers("voxels")[".obj"](shape, tmp_path / "a.obj", DataInfo("boxes", "voxels", (1, 8, 8, 8)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a-0000.obj", "a-0001.obj"]
    lines = [line.split() for line in (tmp_path / "a-0001.obj").read_text().splitlines()]
    corners = torch.tensor([[float(v) for v in line[1:]] for line in lines if line[0] == "v"])
    faces = torch.tensor([[int(v) - 1 for v in line[1:]] for line in lines if line[0] == "f"])
    # The surface is where the value is 0: half a voxel outside of the centres.
    torch.testing.assert_close(corners.amin(0), torch.tensor([-0.25, 0.0, -0.375]))
    torch.testing.assert_close(corners.amax(0), torch.tensor([0.375, 0.5, -0.125]))
    a, b, c = corners[faces].unbind(1)
    volume = float((a * torch.linalg.cross(b, c)).sum()) / 6
    assert volume == pytest.approx(2 * 4 * 5 / 8**3, rel=0.15), "above 0: all faces look outwards"
    with pytest.raises(UsageError, match=r"b\.obj: the shape is empty"):
        writers("voxels")[".obj"](-torch.ones(1, 1, 4, 4, 4), tmp_path / "b.obj", DataInfo("b", "voxels", (1, 4, 4, 4)))


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
    assert torch.equal(view(shape, info, sides_of(info)), pictures[0]), "once around"
    assert len(pictures) == 12
    flat = DataInfo("some", "images", (1, 5, 7))
    assert sides_of(flat) == 1
    assert torch.equal(view(SAMPLES["images"], flat, 0), render(SAMPLES["images"], flat))
