"""Fused forms compute what torch's own do."""

import pytest
import torch
from torch import nn
from torch.optim import RMSprop

from ganzoo.models.optimizers import FusedRMSprop


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fused_rmsprop_is_rmsprop(dtype: torch.dtype) -> None:
    """From the first step on, where a bias correction would show; over many; after a state went through a dict."""
    torch.manual_seed(0)
    start = [torch.randn(5, 3, dtype=dtype), torch.randn(7, dtype=dtype)]
    ours, theirs = ([nn.Parameter(value.clone()) for value in start] for _ in range(2))
    fused, plain = FusedRMSprop(ours, lr=1e-2), RMSprop(theirs, lr=1e-2)
    for step in range(200):
        if step == 100:
            saved = fused.state_dict()
            fused = FusedRMSprop(ours, lr=1e-2)
            fused.load_state_dict(saved)
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a) * 10 ** float(torch.randint(-3, 2, ()))
            b.grad = a.grad.clone()
        fused.step()
        plain.step()
        tolerance = 1e-5 if dtype == torch.float32 else 1e-12
        for a, b in zip(ours, theirs, strict=True):
            assert torch.allclose(a, b, rtol=tolerance, atol=tolerance), f"step {step}"
    assert not torch.allclose(ours[0], start[0], atol=0.1), "they have moved"


def test_it_keeps_the_layout_of_its_parameters() -> None:
    weight = nn.Parameter(torch.randn(4, 3, 3, 3).contiguous(memory_format=torch.channels_last))
    state = FusedRMSprop([weight]).state[weight]
    assert state["exp_avg_sq"].stride() == weight.stride()
