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

from ganzoo.config.settings import Tricks
from ganzoo.data.loader import Batch
from ganzoo.models.interfaces import Logits, Loss
from ganzoo.tricks import penalties


@dataclass(frozen=True)
class SharedPass:
    """What D's update leaves for G's.

    Attributes:
        made: generated samples [N, *shape], which can be differentiated by G's parameters.
        shown: the same as D saw them, a leaf; its gradient is that of D's loss.
        real, fake: logits [N] of real samples and of ``shown``, detached.
    """

    made: Tensor
    shown: Tensor
    real: Tensor
    fake: Tensor

    def generator_total(self, loss: Loss, tricks: Tricks) -> Tensor:
        """G's loss, 0-d, whose slope at ``made`` is taken from that of D's loss."""
        assert self.shown.grad is not None, "D's update is differentiated first, by shown too"
        total, wanted = slope(lambda fake: loss.generator(fake, self.real if loss.needs_real else None), self.fake)
        _, had = slope(lambda fake: penalties.discriminator(loss, tricks, self.real, fake), self.fake)
        ratio = (wanted / had).view(-1, *[1] * (self.made.dim() - 1))
        # The difference is zero: it carries the slope and leaves the value as it is.
        carrier = (self.made - self.made.detach()).float() * (self.shown.grad * ratio)
        return total + carrier.sum()


class SharedPasses:
    """Those of the batch that is being trained on, by the name of the game."""

    def __init__(self) -> None:
        self._batch: Batch | None = None
        self._found: dict[str, SharedPass] = {}

    def add(self, batch: Batch, name: str, samples: tuple[Tensor, Tensor], logits: tuple[Logits, Logits]) -> None:
        """Leave one for G's update of the same batch; those of an earlier batch are forgotten.

        Args:
            samples: as they were made and as they were shown.
            logits: of real and of these samples, [N] each.
        """
        if self._batch is not batch:
            self._batch, self._found = batch, {}
        real, fake = (penalties.flat(each).detach() for each in logits)
        self._found[name] = SharedPass(*samples, real, fake)

    def take(self, batch: Batch, name: str) -> SharedPass | None:
        """The one of this very batch, once: after G's step it is no longer true."""
        return self._found.pop(name, None) if self._batch is batch else None

    def shown(self, batch: Batch) -> list[Tensor]:
        """Samples by which the losses of D on this batch are differentiated too."""
        return [found.shown for found in self._found.values()] if self._batch is batch else []


def slope(loss: Callable[[Tensor], Tensor], logits: Tensor) -> tuple[Tensor, Tensor]:
    """A loss on logits [N], and its slope at each of them."""
    with torch.enable_grad():
        at = logits.detach().requires_grad_()
        total = loss(at)
        (found,) = torch.autograd.grad(total, at)
    return total.detach(), found
