"""What can be done with latents before they become samples: truncation, arithmetic of means, and taking them from
samples by an encoder."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.special import ndtr, ndtri

from ganzoo.config.fields import build
from ganzoo.errors import UsageError
from ganzoo.models.interfaces import Encoder, Generator, device_of

AROUND = 0.25
"""Half the range of the uniform noise around a result, as in arXiv:1511.06434, figure 7."""


@contextmanager
def truncated(generator: Generator, psi: float | None) -> Iterator[None]:
    """While this lasts, no component of a latent is larger than ``psi``; None changes nothing.

    This is the truncation trick of arXiv:1809.11096, section 3.1: components beyond the limit are drawn again. Those
    within stay as they were. A smaller limit gives more typical samples and less variety.

    Raises:
        UsageError: the generator draws latents of its own, or has a setting for it.
    """
    if psi is None:
        yield
        return
    if why := untruncatable(generator):
        raise UsageError(f"--truncation {psi:g}: {why}.")
    limit = psi

    def latents(n: int, rng: torch.Generator | None = None) -> Tensor:
        return redrawn(Generator.latents(generator, n, rng), limit, rng)

    generator.latents = latents  # type: ignore[method-assign]  # for this time; the class is left alone
    try:
        yield
    finally:
        del generator.latents


def untruncatable(generator: Generator) -> str:
    """Why the latents of a generator cannot be truncated; empty if they can."""
    if own := [f.name for f in fields(generator.Sampling) if f.name in ("psi", "truncation")]:
        return f"this generator truncates by itself: -s {own[0]}=VALUE"
    if type(generator).latents is not Generator.latents:
        return f"the latents of a {type(generator).__name__} are not plain normal"
    return ""


def redrawn(latents: Tensor, limit: float, rng: torch.Generator | None = None) -> Tensor:
    """Normal latents [n, D] with each component beyond +-``limit`` drawn again from the normal within it.

    Its quantile function gives at once what drawing until it fits would give.
    """
    low = ndtr(torch.tensor(-limit, dtype=torch.float64))
    shares = torch.rand(latents.shape, dtype=torch.float64, generator=rng)
    within = ndtri(low + shares * (1 - 2 * low)).clamp(-limit, limit).to(latents)
    return torch.where(latents.abs() > limit, within, latents)


@dataclass(frozen=True)
class Term:
    """Seeds whose latents are averaged, and the sign (1 or -1) that the mean enters with."""

    sign: int
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Sum:
    """Samples of an arithmetic.

    Attributes:
        parts: of each term the samples of its seeds, [n, *shape].
        means: of each term the sample of its mean, [*shape].
        around: 9 samples of the result; the fifth is the result itself, the others have noise.
    """

    parts: list[Tensor]
    means: list[Tensor]
    around: Tensor


@torch.no_grad()
def arithmetic(
    generator: Generator, terms: Sequence[Term], label: int | None = None, seed: int = 0, **sampling: Any
) -> Sum:
    """Add and subtract means of latents, arXiv:1511.06434, section 6.3.2 and figure 7.

    A seed stands for the latent that ``sample(1, seed=...)`` draws from. The condition is the same for all.

    Args:
        label: the class of all samples, for a generator that takes classes.
        seed: of the noise around the result, and of a condition that is drawn.

    Raises:
        UsageError: as :meth:`ganzoo.models.interfaces.Generator.sample`.
    """
    chosen = build(generator.Sampling, sampling)
    rng = torch.Generator().manual_seed(seed)
    parts = [
        torch.cat([generator.latents(1, torch.Generator().manual_seed(each)) for each in term.seeds]) for term in terms
    ]
    means = [part.mean(0, keepdim=True) for part in parts]
    result = torch.stack([term.sign * mean for term, mean in zip(terms, means, strict=True)]).sum(0)
    noise = (torch.rand(9, result.shape[1], generator=rng) * 2 - 1) * AROUND
    noise[4] = 0
    one = generator.conditions(1, label, chosen, rng)
    device = device_of(generator)

    def draw(latents: Tensor) -> Tensor:
        condition = None if one is None else one.repeat(len(latents), *[1] * (one.dim() - 1)).to(device)
        return generator.generate(latents, condition, chosen).float().cpu()

    training = generator.training
    generator.eval()
    try:
        around = draw(result + noise.to(result))
        return Sum([draw(part) for part in parts], [draw(mean)[0] for mean in means], around)
    finally:
        generator.train(training)


def autoencoder(networks: Iterable[nn.Module]) -> tuple[Encoder, Generator] | None:
    """The first encoder whose latents a generator among the networks takes, with that generator; None: there is none.

    An encoder of something else, such as codes, has other numbers than a latent.
    """
    there = list(networks)
    for encoder in (network for network in there if isinstance(network, Encoder)):
        for generator in (network for network in there if isinstance(network, Generator)):
            if encoder.latent_dim == generator.latent_dim:
                return encoder, generator
    return None


@torch.no_grad()
def decoded(generator: Generator, latents: Tensor, condition: Tensor | None = None) -> Tensor:
    """What a generator draws of latents [N, latent_dim], with its settings as by default: samples on the CPU."""
    device, training = device_of(generator), generator.training
    generator.eval()
    try:
        told = None if condition is None else condition.to(device)
        return generator.generate(latents.to(device), told, build(generator.Sampling, {})).float().cpu()
    finally:
        generator.train(training)
