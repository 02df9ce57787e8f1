"""Modes found and share of high-quality samples, on mixtures of Gaussians whose modes are known: arXiv:1705.07761,
section 5.1."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data.sources.toys import MODES, Modes, modes
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
