"""Walks: rows of samples from latent to latent, from class to class, there and back or once around."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.config.fields import build
from ganzoo.errors import UsageError
from ganzoo.models.interfaces import Generator, device_of

BATCH = 500
"""Samples that are generated at once."""


@torch.no_grad()
def walk(
    generator: Generator,
    rows: int,
    steps: int,
    path: Literal["spherical", "linear", "still"] = "spherical",
    labels: Tensor | None = None,
    seed: int = 0,
    *,
    waypoints: int = 2,
    loop: bool = False,
    ease: bool = False,
    morph: Sequence[int] = (),
    through: Tensor | None = None,
    **sampling: Any,
) -> Tensor:
    """Samples [rows * steps, *shape] on the CPU: each row goes from one latent to another, and on to further ones.

    ``spherical`` follows the arc (arXiv:1609.04468, section 2.1), which keeps to the lengths that a normal latent has;
    ``linear`` the chord; ``still`` keeps the first latent. A row keeps its class, unless classes to morph are named; a
    condition that is a vector, or an image, goes from one to another.

    Args:
        labels: the class of each row, int64 [rows]; None: the classes in turn.
        waypoints: latents on the way of a row; with ``morph`` there are as many as classes.
        loop: after the last waypoint comes the first one again, and the step that would repeat it is left out.
        ease: start and stop gently at each waypoint.
        morph: classes that every row passes through, mixed in between: see :func:`morphed`.
        through: the latents [rows, waypoints, latent_dim] on the way, instead of drawn ones.
        sampling: settings of the generator's ``Sampling``.

    Raises:
        UsageError: as :meth:`ganzoo.models.interfaces.Generator.sample`; classes that cannot be mixed.
    """
    chosen = build(generator.Sampling, sampling)
    rng = torch.Generator().manual_seed(seed)
    waypoints = len(morph) or (waypoints if through is None else through.shape[1])
    if waypoints < 2:
        raise UsageError(f"{waypoints} waypoint: a walk needs two at least.")
    if through is None:
        stops = [generator.latents(rows, rng) for _ in range(1 if path == "still" else waypoints)]
        points = torch.stack(stops if len(stops) == waypoints else stops * waypoints, dim=1)
    else:
        points = through.to(device_of(generator))
    leg, t = legs(steps, waypoints, loop, ease)
    there = points.device
    begin, end = points[:, leg.to(there)], points[:, ((leg + 1) % waypoints).to(there)]
    way = arc if path == "spherical" else chord
    latents = way(begin, end, t.to(there)).reshape(rows * steps, -1)
    if morph:
        condition: Tensor | None = morphed(generator, morph, leg, t).repeat(rows, 1)
    else:
        condition = conditions(generator, rows, labels, leg, t, waypoints, chosen, rng)
    training = generator.training
    generator.eval()
    try:
        parts = []
        for start in range(0, len(latents), BATCH):
            part = None if condition is None else condition[start : start + BATCH].to(device_of(generator))
            parts.append(generator.generate(latents[start : start + BATCH], part, chosen).float().cpu())
        return torch.cat(parts)
    finally:
        generator.train(training)


def legs(steps: int, waypoints: int, loop: bool, ease: bool) -> tuple[Tensor, Tensor]:
    """Where each step of a walk is: the waypoint behind it, int64 [steps], and how far it is to the next, in [0, 1].

    Eased steps follow 3t^2 - 2t^3, whose speed is zero at both ends.
    """
    place = torch.arange(steps) * (waypoints / steps) if loop else torch.linspace(0, waypoints - 1, steps)
    leg = place.floor().long().clamp(max=waypoints - 1 if loop else waypoints - 2)
    t = place - leg
    return leg, t * t * (3 - 2 * t) if ease else t


def morphed(generator: Generator, classes: Sequence[int], leg: Tensor, t: Tensor) -> Tensor:
    """Shares of classes, float32 [steps, classes], on the way through the classes named.

    Raises:
        UsageError: a generator that takes no classes, or no shares of them.
    """
    if not generator.classes:
        raise UsageError("a morph goes from class to class: this generator was trained without labels.")
    if not generator.mixes_classes:
        raise UsageError(
            f"there is nothing between two classes of a {type(generator).__name__}: it takes class numbers only."
        )
    if len(classes) < 2:
        raise UsageError("a morph needs two classes at least.")
    named = generator.condition.parse(torch.tensor(list(classes)), len(classes))
    assert named is not None, "a class condition gives what it has parsed"
    return generator.condition.interpolate(named[leg], named[(leg + 1) % len(classes)], t)


def conditions(
    generator: Generator,
    rows: int,
    labels: Tensor | None,
    leg: Tensor,
    t: Tensor,
    waypoints: int,
    chosen: Any,
    rng: torch.Generator,
) -> Tensor | None:
    """The conditions [rows * steps, ...] of a walk; None for a generator that takes none."""
    steps = len(t)
    if generator.classes or generator.condition.is_none:
        one_a_row = generator.conditions(rows, labels, chosen, rng)
        return None if one_a_row is None else one_a_row.repeat_interleave(steps, 0)
    drawn = generator.conditions(waypoints * rows, None, chosen, rng)
    if drawn is None:
        return None
    stops = torch.stack(drawn.split(rows), dim=1)
    return generator.condition.interpolate(
        stops[:, leg].flatten(0, 1), stops[:, (leg + 1) % waypoints].flatten(0, 1), t.repeat(rows)
    )


def chord(begin: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """On the straight line from ``begin`` to ``end``, both [rows, steps, D], at ``t`` [steps]."""
    return begin + t[None, :, None] * (end - begin)


def arc(begin: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """As :func:`chord`, on the arc around the origin."""
    t3 = t[None, :, None]
    cosine = (begin * end).sum(-1, keepdim=True) / (begin.norm(dim=-1, keepdim=True) * end.norm(dim=-1, keepdim=True))
    angle = torch.acos(cosine.clamp(-1, 1))
    found = (torch.sin((1 - t3) * angle) * begin + torch.sin(t3 * angle) * end) / torch.sin(angle)
    # Latents in one direction have no arc between them (all of length one, say); there the chord is the way.
    return torch.where(torch.sin(angle) > 1e-6, found, chord(begin, end, t))
