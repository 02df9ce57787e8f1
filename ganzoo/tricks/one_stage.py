"""One pass of D that trains both players: arXiv:2103.00430, with the slope of each sample rescaled for G.

D's loss and G's loss see a generated sample through its logit alone. So their slopes at the sample differ by one
factor: the ratio of their slopes at the logit. The pass that trains D therefore gives G's slope too. That holds where
no sample influences another one's logit, and where D's loss has a slope at every logit. G learns from D as it was
before D's step.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

OnLogits = Callable[[Tensor], Tensor]
"""A loss on the logits [N] of generated samples, 0-d."""


@dataclass(frozen=True)
class SharedPass:
    """What D's update leaves for G's.

    Attributes:
        made: generated samples [N, *shape], which can be differentiated by G's parameters.
        shown: the same as D saw them, a leaf; its gradient is that of D's loss.
        logits: of ``shown``, [N], detached.
        losses: of D and of G, on such logits.
    """

    made: Tensor
    shown: Tensor
    logits: Tensor
    losses: tuple[OnLogits, OnLogits]

    def generator_total(self) -> Tensor:
        """G's loss, 0-d, whose slope at ``made`` is taken from that of D's loss."""
        assert self.shown.grad is not None, "D's update is differentiated first, by shown too"
        (_, had), (total, wanted) = (slope(loss, self.logits) for loss in self.losses)
        ratio = (wanted / had).view(-1, *[1] * (self.made.dim() - 1))
        # The difference is zero: it carries the slope and leaves the value as it is.
        carrier = (self.made - self.made.detach()).float() * (self.shown.grad * ratio)
        return total + carrier.sum()


class SharedPasses:
    """Those of the batch that is being trained on, by the name of the game."""

    def __init__(self) -> None:
        self._batch: object = None
        self._found: dict[str, SharedPass] = {}

    def add(self, batch: object, name: str, found: SharedPass) -> None:
        """Leave one for G's update of the same batch; those of an earlier batch are forgotten."""
        if self._batch is not batch:
            self._batch, self._found = batch, {}
        self._found[name] = found

    def take(self, batch: object, name: str) -> SharedPass | None:
        """The one of this very batch, once: after G's step it is no longer true."""
        return self._found.pop(name, None) if self._batch is batch else None

    def shown(self, batch: object) -> list[Tensor]:
        """Samples by which the losses of D on this batch are differentiated too."""
        return [found.shown for found in self._found.values()] if self._batch is batch else []


def slope(loss: OnLogits, logits: Tensor) -> tuple[Tensor, Tensor]:
    """A loss on logits [N], and its slope at each of them."""
    with torch.enable_grad():
        at = logits.detach().requires_grad_()
        total = loss(at)
        (found,) = torch.autograd.grad(total, at)
    return total.detach(), found
