"""Kinds of samples: how each is drawn as pictures, and which files it can be written to.

images      [N, C, H, W] in [-1, 1]
points      [N, D]
waves       [N, C, L] in [-1, 1]
voxels      [N, C, D, H, W] in [-1, 1]; above 0 is solid
sequences   [N, L] or [N, L, F]
"""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, to_uint8
from ganzoo.errors import PluginError
from ganzoo.runtime.files import replace_file

PLOT_SIDE = 384
"""Side, in pixels, of a scatter plot."""
WAVE_HEIGHT, WAVE_WIDTH = 64, 128
SAMPLE_RATE = 16_000
"""Of waves whose data set does not say it, in Hz."""

Writer = Callable[[Tensor, Path, DataInfo], None]
"""Writes samples to a file."""


def render(kind: str, samples: Tensor) -> Tensor:
    """Samples as pictures, uint8 [N, C, H, W]; points as one picture [1, 1, S, S] of all of them.

    Raises:
        PluginError: a kind that ganzoo does not know; its variant must implement ``render()``.
    """
    if kind not in DRAWN:
        raise PluginError(f"samples of kind {kind!r} cannot be drawn: the variant must implement render(samples).")
    return DRAWN[kind](samples)


def scatter(points: Tensor, extent: float = 1.5) -> Tensor:
    """The first two coordinates of points [N, D] on a white square that spans +-``extent``: uint8 [1, 1, S, S].

    One-dimensional points are drawn as a histogram. Points outside the square are drawn on its edge.
    """
    side = PLOT_SIDE
    sheet = torch.full((1, 1, side, side), 255, dtype=torch.uint8)
    place = ((points.cpu().clamp(-extent, extent) + extent) / (2 * extent) * (side - 1)).round().long()
    if points.shape[1] == 1:
        counts = torch.bincount(place[:, 0] // 4, minlength=side // 4).float()
        heights = (counts / counts.max() * (side - 1)).round().long().repeat_interleave(4)
        for column, height in enumerate(heights[:side].tolist()):
            sheet[0, 0, side - height :, column] = 64
        return sheet
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            x = (place[:, 0] + dx).clamp(0, side - 1)
            y = (side - 1 - place[:, 1] + dy).clamp(0, side - 1)
            sheet[0, 0, y, x] = 0
    return sheet


def draw_waves(waves: Tensor) -> Tensor:
    """The course of the first channel of waves [N, C, L]: uint8 [N, 1, 64, 128], dark on white.

    Each column spans what the wave reaches in its part of the time.
    """
    first = waves[:, 0].cpu().float().clamp(-1, 1)
    length = -(-first.shape[1] // WAVE_WIDTH) * WAVE_WIDTH
    parts = torch.nn.functional.interpolate(first[:, None], size=length, mode="nearest-exact")[:, 0]
    parts = parts.reshape(len(parts), WAVE_WIDTH, -1)
    low, high = parts.amin(2), parts.amax(2)
    # From one column to the next the line must not break.
    low[:, 1:] = torch.minimum(low[:, 1:], high[:, :-1])
    high[:, 1:] = torch.maximum(high[:, 1:], low[:, :-1])
    rows = torch.linspace(1, -1, WAVE_HEIGHT)[None, :, None]
    half = 1 / (WAVE_HEIGHT - 1)
    inside = (rows <= high[:, None] + half) & (rows >= low[:, None] - half)
    return (255 - inside * 215).to(torch.uint8)[:, None]


def draw_voxels(voxels: Tensor) -> Tensor:
    """Voxels [N, C, D, H, W] seen from a corner above: uint8 [N, 1, H', W'].

    Each cube is four pixels wide and four high, as in drawings of the ratio two to one; each of the three visible
    directions of a face has its own brightness.
    """
    solid = voxels[:, 0].cpu() > 0
    n, depth, height, width = solid.shape
    rows, columns = depth + width + 2 * height + 2, 2 * (depth + width)
    sheet = torch.full((n, rows, columns), 245, dtype=torch.uint8)
    z, y, x = torch.meshgrid(torch.arange(depth), torch.arange(height), torch.arange(width), indexing="ij")
    # From far to near, so that near cubes cover far ones; y points down, as the rows of an image do.
    order = (z + x - y).flatten().argsort(stable=True)
    z, y, x = (axis.flatten()[order] for axis in (z, y, x))
    for i in range(n):
        chosen = solid[i][z, y, x]
        for a, b, c in zip(z[chosen].tolist(), y[chosen].tolist(), x[chosen].tolist(), strict=True):
            row, column = a + c + 2 * b, 2 * (depth - 1 - a + c)
            sheet[i, row : row + 2, column : column + 4] = 225  # the top
            sheet[i, row + 2 : row + 4, column : column + 2] = 150  # the left side
            sheet[i, row + 2 : row + 4, column + 2 : column + 4] = 95  # the right side
    return sheet[:, None]


def draw_sequences(sequences: Tensor) -> Tensor:
    """Sequences [N, L, F] with time from left to right and features upwards, scaled to their range: uint8
    [N, 1, H, W]; sequences [N, L] of whole numbers as one mark a step, of other numbers as a shade."""
    values = sequences.cpu()
    if values.dim() == 2 and values.is_floating_point():
        values = values[:, :, None].repeat(1, 1, 8)
    elif values.dim() == 2:
        values = torch.nn.functional.one_hot(values.long().clamp(min=0)).float()
    values = values.float()
    low, high = values.amin(), values.amax()
    scaled = (values - low) / (high - low).clamp(min=1e-8)
    pictures = (255 - scaled * 215).to(torch.uint8).transpose(1, 2).flip(1)
    return pictures.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, None]


DRAWN: dict[str, Callable[[Tensor], Tensor]] = {
    "images": lambda images: images if images.dtype == torch.uint8 else to_uint8(images),
    "points": scatter,
    "waves": draw_waves,
    "voxels": draw_voxels,
    "sequences": draw_sequences,
}


def write_array(samples: Tensor, path: Path, info: DataInfo) -> None:
    """All samples as one NumPy array, float32 [N, *shape]."""
    replace_file(path, lambda temporary: temporary.write_bytes(as_npy(samples)))


def as_npy(samples: Tensor) -> bytes:
    """The content of a ``.npy`` file."""
    import io

    out = io.BytesIO()
    np.save(out, samples.cpu().numpy(), allow_pickle=False)
    return out.getvalue()


def write_sound(samples: Tensor, path: Path, info: DataInfo) -> None:
    """Waves as 16-bit PCM: one as ``path``, more as ``NAME-0000.wav``, ``NAME-0001.wav`` ..."""
    rate = int(info.extra.get("sample_rate", SAMPLE_RATE))
    for i, sound in enumerate(samples.cpu().clamp(-1, 1)):
        target = path if len(samples) == 1 else path.with_name(f"{path.stem}-{i:04d}{path.suffix}")
        frames = (sound.t() * 32_767).round().to(torch.int16).contiguous().numpy().tobytes()

        def write(temporary: Path, frames: bytes = frames, channels: int = len(sound)) -> None:
            with wave.open(str(temporary), "wb") as file:
                file.setnchannels(channels)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes(frames)

        replace_file(target, write)


def writers(kind: str) -> dict[str, Writer]:
    """What samples of a kind can be written to, beside pictures, by the ending of the file."""
    found: dict[str, Writer] = {".npy": write_array}
    return {**found, ".wav": write_sound} if kind == "waves" else found
