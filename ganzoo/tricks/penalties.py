"""What the players minimise beside or instead of the plain adversarial loss."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo.config.settings import Tricks

if TYPE_CHECKING:
    from ganzoo.models.interfaces import Logits, Loss

Discriminate = Callable[[Tensor], "Logits"]
"""Samples [N, *shape] to logits."""


def heads(logits: "Logits") -> tuple[Tensor, ...]:
    """The logits of each head."""
    return logits if isinstance(logits, tuple) else (logits,)


def flat(logits: "Logits") -> Tensor:
    """The logits of all heads and patches in one row."""
    return torch.cat([head.flatten() for head in logits]) if isinstance(logits, tuple) else logits


def discriminator(loss: "Loss", tricks: Tricks, real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss on logits, with smoothed and flipped targets where they are requested.

    One-sided smoothing (arXiv:1606.03498, section 3.4): the target of real samples alone is lowered.
    """
    if not (tricks.label_smoothing or tricks.label_flipping):
        return loss.discriminator(real, fake)
    truth = 1.0 - tricks.label_smoothing
    return (
        loss.per_sample(real, targets(real, truth, 0.0, tricks.label_flipping)).mean()
        + loss.per_sample(fake, targets(fake, 0.0, truth, tricks.label_flipping)).mean()
    )


def total(logits: "Logits") -> Tensor:
    """The sum of all logits, whose gradient holds the slope at every sample; patches and heads count together."""
    first, *others = (head.sum() for head in heads(logits))
    return sum(others, first)


def targets(logits: Tensor, own: float, other: float, probability: float) -> Tensor:
    """Targets of the shape of the logits, mostly ``own``, and ``other`` with the given probability."""
    given = torch.full_like(logits, own)
    if probability:
        given = torch.where(torch.rand_like(given) < probability, torch.full_like(given, other), given)
    return given


def r1(logits: "Logits", real: Tensor, gamma: Tensor | float) -> Tensor:
    """gamma/2 E|grad D(x)|^2 on real samples: arXiv:1801.04406, equation 9; on generated ones it is R2, equation 10.
    The samples must require gradients."""
    (slope,) = torch.autograd.grad(total(logits), real, create_graph=True)
    return 0.5 * gamma * slope.flatten(1).square().sum(1).mean()


SPREAD = 0.01
"""Standard deviation of a small step, of values in [-1, 1]: arXiv:2501.08316, section 4.1."""


def by_difference(discriminate: Discriminate, logits: "Logits", samples: Tensor, gamma: Tensor | float) -> Tensor:
    """What :func:`r1` gives, estimated without a second derivative: the square of how much D changes with a small
    random step, over that step's variance: arXiv:2501.08316, equation 7, scaled so that ``gamma`` means the same."""
    moved = discriminate(samples.detach() + SPREAD * torch.randn_like(samples))
    change = (per_sample(moved) - per_sample(logits)) / SPREAD
    return 0.5 * gamma * change.square().mean()


def per_sample(logits: "Logits") -> Tensor:
    """The sum of the logits of each sample, [N]; patches and heads count together."""
    first, *others = (head.flatten(1).sum(1) if head.dim() > 1 else head for head in heads(logits))
    return sum(others, first)


def dragan(discriminate: Discriminate, real: Tensor, weight: Tensor | float) -> Tensor:
    """lambda E(|grad D(x + d)| - 1)^2, d uniform within half a standard deviation of the batch: arXiv:1705.07215,
    algorithm 1 and the authors' code."""
    near = real.detach() + 0.5 * real.detach().std(correction=0) * torch.rand_like(real)
    near = near.requires_grad_()
    (slope,) = torch.autograd.grad(total(discriminate(near)), near, create_graph=True)
    return weight * (slope.flatten(1).norm(dim=1) - 1).square().mean()


def gradient_penalty(discriminate: Discriminate, real: Tensor, fake: Tensor, weight: Tensor | float) -> Tensor:
    """lambda E(|grad D(x)| - 1)^2 on lines between real and generated samples: arXiv:1704.00028, equation 3."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    between = torch.lerp(fake.float(), real.float(), share).requires_grad_()
    (slope,) = torch.autograd.grad(total(discriminate(between)), between, create_graph=True)
    return weight * (slope.flatten(1).norm(dim=1) - 1).square().mean()


PATH_LENGTH = "path_length"
"""Name of the update that has it, and, with ``.mean``, of the mean in the memory of a state."""
PATH_DECAY = 0.01
"""How fast the mean length follows: arXiv:1912.04958, section 3.2, and the authors' code."""


def path_lengths(samples: Tensor, start: Tensor) -> Tensor:
    """|J^T y| of each sample, [N]: how much it changes along where it comes from, in a random direction y:
    arXiv:1912.04958, equation 4.

    Args:
        samples: [N, C, ...] or [N, D], made of ``start``.
        start: latents [N, D], or one for each of several places [N, places, D], over which the square is averaged.
    """
    noise = torch.randn_like(samples) / math.prod(samples.shape[2:]) ** 0.5
    (slope,) = torch.autograd.grad((samples * noise).sum(), start, create_graph=True)
    squares = slope.float().square().sum(-1).flatten(1) if slope.dim() > 2 else slope.float().square().sum(1, True)
    # Where G is flat the root has no slope: that sample is left as it is.
    return squares.mean(1).clamp(min=torch.finfo(torch.float32).tiny).sqrt()


def path_length(lengths: Tensor, mean: Tensor) -> Tensor:
    """E(|J^T y| - a)^2; a, the 0-d tensor ``mean``, moves towards the mean of these lengths first."""
    mean.lerp_(lengths.detach().mean(), PATH_DECAY)
    return (lengths - mean).square().mean()


def feature_distance(real: Tensor, fake: Tensor) -> Tensor:
    """|E f(x) - E f(G(z))|^2 of features [N, ...]: arXiv:1606.03498, section 3.1."""
    return (real.flatten(1).float().mean(0).detach() - fake.flatten(1).float().mean(0)).square().sum()
