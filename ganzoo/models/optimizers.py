"""Optimizers that torch has no fast form of."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Adam

FAR = 2.0**23
"""A count of steps at which Adam's bias correction is gone, and at which float32 still counts."""


class FusedRMSprop(Adam):
    """RMSprop without momentum, as ``torch.optim.RMSprop`` computes it, by the kernel of the fused Adam.

    Adam whose mean of gradients forgets at once (beta1 = 0) and whose count of steps begins far out, where nothing is
    corrected for a bias, is RMSprop. One pass over memory takes the place of five; on a GPU it can be captured.

    Args:
        parameters: what is trained.
        lr: step size.
        alpha: decay of the mean of squared gradients.
        eps: added to its root.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8
    ) -> None:
        own = list(parameters)
        fused = all(p.device.type in ("cpu", "cuda") for p in own)
        super().__init__(own, lr=lr, betas=(0.0, alpha), eps=eps, fused=fused)
        for p in own:
            self.state[p] = {
                "step": torch.full((), FAR, device=p.device if fused else "cpu"),
                "exp_avg": torch.zeros_like(p, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(p, memory_format=torch.preserve_format),
            }
