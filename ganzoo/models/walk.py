"""Interpolation: rows of samples between pairs of latents."""

from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.config.fields import build
from ganzoo.models.interfaces import Generator, device_of


@torch.no_grad()
def walk(
    generator: Generator,
    rows: int,
    steps: int,
    path: Literal["spherical", "linear"] = "spherical",
    labels: Tensor | None = None,
    seed: int = 0,
    **sampling: Any,
) -> Tensor:
    """Samples [rows * steps, *shape] on the CPU: each row goes from one latent to another.

    ``spherical`` follows the arc (arXiv:1609.04468, section 2.1), which keeps to the lengths that a normal latent has;
    ``linear`` the chord. A row keeps its class; a condition that is a vector, or an image, goes from one to another.

    Args:
        labels: the class of each row, int64 [rows]; None: the classes in turn.
        sampling: settings of the generator's ``Sampling``.

    Raises:
        UsageError: as :meth:`ganzoo.models.interfaces.Generator.sample`.
    """
    chosen = build(generator.Sampling, sampling)
    rng = torch.Generator().manual_seed(seed)
    begin, end = generator.latents(rows, rng), generator.latents(rows, rng)
    t = torch.linspace(0, 1, steps, device=begin.device)
    latents = (arc if path == "spherical" else chord)(begin, end, t).reshape(rows * steps, -1)
    condition = conditions(generator, rows, labels, t.cpu(), chosen, rng)
    training = generator.training
    generator.eval()
    try:
        part = None if condition is None else condition.to(device_of(generator))
        return generator.generate(latents, part, chosen).float().cpu()
    finally:
        generator.train(training)


def conditions(
    generator: Generator, rows: int, labels: Tensor | None, t: Tensor, chosen: Any, rng: torch.Generator
) -> Tensor | None:
    """The conditions [rows * steps, ...] of a walk; None for a generator that takes none."""
    steps = len(t)
    if generator.classes or generator.condition.is_none:
        one_a_row = generator.conditions(rows, labels, chosen, rng)
        return None if one_a_row is None else one_a_row.repeat_interleave(steps, 0)
    both = generator.conditions(2 * rows, None, chosen, rng)
    if both is None:
        return None
    first, last = both.split(rows)
    return generator.condition.interpolate(
        first.repeat_interleave(steps, 0), last.repeat_interleave(steps, 0), t.repeat(rows)
    )


def chord(begin: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """[rows, steps, D] on the straight line from ``begin`` to ``end`` [rows, D] at ``t`` [steps]."""
    return begin[:, None] + t[None, :, None] * (end - begin)[:, None]


def arc(begin: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """As :func:`chord`, on the arc around the origin."""
    a, b, t3 = begin[:, None], end[:, None], t[None, :, None]
    cosine = (a * b).sum(-1, keepdim=True) / (a.norm(dim=-1, keepdim=True) * b.norm(dim=-1, keepdim=True))
    angle = torch.acos(cosine.clamp(-1, 1))
    found = (torch.sin((1 - t3) * angle) * a + torch.sin(t3 * angle) * b) / torch.sin(angle)
    # Latents in one direction have no arc between them (all of length one, say); there the chord is the way.
    return torch.where(torch.sin(angle) > 1e-6, found, chord(begin, end, t))
