"""Sequences [N, L] or [N, L, F]: drawn with time from left to right. Those of notes are a piano roll, and are heard."""

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo
from ganzoo.data.kinds.notes import draw_notes, hear_notes, is_notes


def draw_sequences(sequences: Tensor, info: DataInfo) -> Tensor:
    """Notes as piano rolls; other sequences as :func:`draw_values` does."""
    return draw_notes(sequences, info) if is_notes(info) else draw_values(sequences)


def hear_sequences(sequences: Tensor, info: DataInfo) -> tuple[Tensor, int] | None:
    """Notes as sound: waves [N, 1, T] in [-1, 1], and their rate in Hz; None for other sequences."""
    return hear_notes(sequences, info) if is_notes(info) else None


def draw_values(sequences: Tensor) -> Tensor:
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
