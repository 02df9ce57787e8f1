"""Waves [N, C, L] in [-1, 1]: drawn as their course above their spectrogram, heard, written as ``.wav``."""

import io
import wave
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo
from ganzoo.data.spectrograms import log_mel
from ganzoo.runtime.files import replace_file

HEIGHT, WIDTH = 64, 128
"""Pixels of the course, and of the spectrogram below it."""
FRAME, LEAST = 512, 16
"""Samples of a spectrogram's window; shorter waves than the least one are followed by silence."""
PALEST = -60.0
"""dB below a full-scale sine that are drawn white: what is fainter is hardly heard beside it."""
LINE = 200
"""Shade of the line between the two."""
SAMPLE_RATE = 16_000
"""Of waves whose data set does not say it, in Hz."""


def draw_waves(waves: Tensor, rate: int = SAMPLE_RATE) -> Tensor:
    """Waves [N, C, L] as their course with the spectrogram below it: uint8 [N, 1, 128, 128], dark on white.

    Of several channels the first is drawn. A line parts the two.
    """
    first = waves[:, 0].cpu().float().clamp(-1, 1)
    below = draw_spectrograms(first, rate)
    below[:, 0] = below[:, 0].clamp(max=LINE)
    return torch.cat([draw_courses(first), below], 1)[:, None]


def draw_courses(waves: Tensor) -> Tensor:
    """The course of waves [N, L]: uint8 [N, 64, 128].

    Each column spans what the wave reaches in its part of the time.
    """
    length = -(-waves.shape[1] // WIDTH) * WIDTH
    parts = torch.nn.functional.interpolate(waves[:, None], size=length, mode="nearest-exact")[:, 0]
    parts = parts.reshape(len(parts), WIDTH, -1)
    low, high = parts.amin(2), parts.amax(2)
    # From one column to the next the line must not break.
    low[:, 1:] = torch.minimum(low[:, 1:], high[:, :-1])
    high[:, 1:] = torch.maximum(high[:, 1:], low[:, :-1])
    rows = torch.linspace(1, -1, HEIGHT)[None, :, None]
    half = 1 / (HEIGHT - 1)
    inside = (rows <= high[:, None] + half) & (rows >= low[:, None] - half)
    return (255 - inside * 215).to(torch.uint8)


def draw_spectrograms(waves: Tensor, rate: int) -> Tensor:
    """How loud waves [N, L] are, band by band, low ones at the bottom: uint8 [N, 64, 128]; darker is louder.

    A tone shows lines, noise a grey area.
    """
    waves = torch.nn.functional.pad(waves, (0, max(0, LEAST - waves.shape[1])))
    length = waves.shape[1]
    frame = min(FRAME, 2 ** (length.bit_length() - 1))
    loud = log_mel(waves, rate, HEIGHT, frame, max(1, length // WIDTH))
    shades = 255 - 215 * (1 - loud / PALEST).clamp(0, 1)
    return torch.nn.functional.interpolate(shades.flip(1), size=WIDTH, mode="nearest-exact").to(torch.uint8)


def one_after_another(walks: Tensor) -> Tensor:
    """Walks [R, S, C, L] as sounds [R, C, S * L]: the steps of each are heard in turn."""
    return walks.transpose(1, 2).flatten(2)


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
