"""Sequences [N, L] or [N, L, F]: drawn with time from left to right."""

import torch
from torch import Tensor


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
