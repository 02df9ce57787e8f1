"""Modes found and share of high-quality samples, on mixtures of Gaussians whose modes are known: arXiv:1705.07761,
section 5.1."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data.drawn.toys import MODES, Modes, modes
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext

NEAR = 3.0
"""A sample is of high quality when it lies within this many standard deviations of the mode nearest to it."""


@dataclass(frozen=True)
class ModeCount:
    """What was found among N samples.

    Attributes:
        total: number of modes of the mixture.
        found: modes with at least one high-quality sample (the usual count).
        fair: modes with at least a tenth of their fair share of all samples, which is a stricter count.
        quality: share of high-quality samples, 0 to 1.
        shares: share of the samples that is of high quality at each mode.
    """

    total: int
    found: int
    fair: int
    quality: float
    shares: tuple[float, ...]


def count_modes(points: Tensor, modes: Modes) -> ModeCount:
    """Count on points [N, D]; in one dimension as in two, "within three standard deviations" is a distance."""
    total = len(modes.centres)
    distance, nearest = torch.cdist(points.double(), modes.centres.double()).min(1)
    good = nearest[distance <= NEAR * modes.std]
    shares = torch.bincount(good, minlength=total).double() / len(points)
    return ModeCount(
        total=total,
        found=int((shares > 0).sum()),
        fair=int((shares >= 0.1 / total).sum()),
        quality=float(shares.sum()),
        shares=tuple(shares.tolist()),
    )


class ModesFound(Metric):
    """Modes that samples fall on, of a mixture whose modes are known; see :func:`count_modes`."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        return (
            ""
            if context.against in MODES
            else f"{context.against!r} has no known modes: {', '.join(sorted(MODES))} have"
        )

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        context.reference()
        found = count_modes(torch.cat(list(context.samples(self.spec.count))), modes(context.against))
        return {"found": found.found, "of": found.total, "found fairly": found.fair, "good samples": found.quality}


class StackedModes(Metric):
    """Modes of Stacked MNIST that samples fall on, of 1,000, by a classifier of MNIST that looks at each channel: the
    protocol of arXiv:1611.02163, section 3.3.1, with the classifier of this package. Beside it the Kullback-Leibler
    divergence of the modes of samples from those of the data, which are equally frequent."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        return "" if context.against == "stacked-mnist" else f"{context.against!r} has no three digits in an image"

    def prepare(self, context: EvaluationContext) -> None:
        context.reference()
        extractor = context.extractor(self.spec.extractor)
        if extractor.shape is not None and extractor.shape[1:] != context.target.shape[1:]:
            sides = ["x".join(map(str, shape[1:])) for shape in (context.target.shape, extractor.shape)]
            raise DataError(f"{context.target.name} draws {sides[0]} pixels, and the classifier takes {sides[1]}.")

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        extractor, count = context.extractor(self.spec.extractor), self.spec.count
        context.reference()
        context.used["extractor"] = extractor.identity
        channels = (images.flatten(0, 1)[:, None] for images in context.samples(count))
        logits = extractor.extract(channels, 3 * count, "classes of digits", context.progress, ("logits",))["logits"]
        return modes_of_digits(logits.argmax(1).view(-1, 3))


def modes_of_digits(digits: Tensor) -> dict[str, float]:
    """How many of the 1,000 numbers are among rows of three digits [N, 3], and their divergence from all alike."""
    numbers = (digits * torch.tensor([100, 10, 1])).sum(1)
    shares = torch.bincount(numbers, minlength=1_000).double() / len(numbers)
    divergence = torch.special.xlogy(shares, 1_000 * shares).sum()
    return {"found": float((shares > 0).sum()), "of": 1_000.0, "KL": float(divergence)}
