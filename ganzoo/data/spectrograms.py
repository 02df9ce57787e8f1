"""Spectrograms of waves: how loud each band of frequencies is over time."""

from functools import lru_cache

import torch
from torch import Tensor

SILENCE = -80.0
"""dB below a full-scale sine that count as nothing."""


def log_mel(waves: Tensor, rate: int, bands: int, frame: int, hop: int) -> Tensor:
    """Waves [N, L] to loudness in dB, [N, bands, 1 + L // hop], low bands first: from ``SILENCE`` to about 0, which a
    sine has that fills the range from -1 to 1.

    Args:
        rate: in Hz.
        bands: from 0 Hz to half the rate, equally wide on the mel scale.
        frame, hop: samples of a window, and from one window to the next.
    """
    window = torch.hann_window(frame, device=waves.device)
    spectrum = torch.stft(
        waves.float(), frame, hop, window=window, center=True, pad_mode="constant", return_complex=True
    )  # fmt: skip
    power = (spectrum.abs() * (2 / window.sum())).square()
    found = mel_bands(rate, bands, frame).to(power) @ power
    return 10 * found.clamp(min=10 ** (SILENCE / 10)).log10()


@lru_cache(maxsize=8)
def mel_bands(rate: int, bands: int, frame: int) -> Tensor:
    """Weights [bands, frame // 2 + 1] of triangles on the mel scale, 2595 log10(1 + f / 700), that reach 1.

    Low triangles may be narrower than the step between two frequencies: each has at least the nearest one.
    """
    top = 2595 * torch.log10(torch.tensor(1 + rate / 2 / 700, dtype=torch.float64))
    corners = 700 * (10 ** (torch.linspace(0, float(top), bands + 2, dtype=torch.float64) / 2595) - 1)
    there = torch.linspace(0, rate / 2, frame // 2 + 1, dtype=torch.float64)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    weights = torch.minimum((there - low) / (middle - low), (high - there) / (high - middle)).clamp(min=0)
    nearest = (there - middle).abs().argmin(1)
    thin = weights.amax(1) < 0.5
    weights[thin, nearest[thin]] = 1.0
    return weights.float()
