"""Waves [N, C, L] in [-1, 1]: drawn as their course, heard, written as ``.wav``."""

import io
import wave
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo
from ganzoo.runtime.files import replace_file

HEIGHT, WIDTH = 64, 128
SAMPLE_RATE = 16_000
"""Of waves whose data set does not say it, in Hz."""


def draw_waves(waves: Tensor) -> Tensor:
    """The course of the first channel of waves [N, C, L]: uint8 [N, 1, 64, 128], dark on white.

    Each column spans what the wave reaches in its part of the time.
    """
    first = waves[:, 0].cpu().float().clamp(-1, 1)
    length = -(-first.shape[1] // WIDTH) * WIDTH
    parts = torch.nn.functional.interpolate(first[:, None], size=length, mode="nearest-exact")[:, 0]
    parts = parts.reshape(len(parts), WIDTH, -1)
    low, high = parts.amin(2), parts.amax(2)
    # From one column to the next the line must not break.
    low[:, 1:] = torch.minimum(low[:, 1:], high[:, :-1])
    high[:, 1:] = torch.maximum(high[:, 1:], low[:, :-1])
    rows = torch.linspace(1, -1, HEIGHT)[None, :, None]
    half = 1 / (HEIGHT - 1)
    inside = (rows <= high[:, None] + half) & (rows >= low[:, None] - half)
    return (255 - inside * 215).to(torch.uint8)[:, None]


def sample_rate(info: DataInfo) -> int:
    """In Hz, as the data set says it in ``extra["sample_rate"]``."""
    return int(info.extra.get("sample_rate", SAMPLE_RATE))


def as_wav(sound: Tensor, rate: int) -> bytes:
    """The content of a ``.wav`` file of one wave [C, L]: 16-bit PCM."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(len(sound))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound.cpu().clamp(-1, 1).t() * 32_767).round().to(torch.int16).contiguous().numpy().tobytes())
    return out.getvalue()


def write_sounds(sounds: Tensor, rate: int, path: Path) -> None:
    """Waves [N, C, L] as ``.wav``: one as ``path``, more as ``NAME-0000.wav``, ``NAME-0001.wav`` ..."""
    for i, sound in enumerate(sounds):
        target = path if len(sounds) == 1 else path.with_name(f"{path.stem}-{i:04d}{path.suffix}")
        replace_file(target, partial(Path.write_bytes, data=as_wav(sound, rate)))


def write_wav(samples: Tensor, path: Path, info: DataInfo) -> None:
    """Samples of a data set of waves as ``.wav``."""
    write_sounds(samples, sample_rate(info), path)
