"""How alike samples are to each other, and which classes of real samples they fall among.

Distances are root mean squares over the values of a sample, in the units of the data: images lie in [-1, 1].

Cheap enough to be taken while training. They are signs, not scores: nothing here is comparable between data sets.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data.base import to_unit
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext

CLOSE = 0.25
"""Near duplicates are closer than this share of the median distance of a real sample to the nearest other one."""


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Root mean square differences [N, M] of samples [N, *shape] and [M, *shape]."""
    a, b = a.flatten(1).float(), b.flatten(1).float()
    return torch.cdist(a, b) / a.shape[1] ** 0.5


def nearest_other(samples: Tensor) -> Tensor:
    """Distance [N] of each sample to the nearest other one."""
    between = distances(samples, samples)
    return between.fill_diagonal_(float("inf")).min(1).values


@dataclass(frozen=True)
class Reference:
    """Real samples that generated ones are compared with.

    Attributes:
        samples: [N, *shape].
        labels: int64 [N], or None.
        classes: how many; 0 without labels.
        close: distance below which two samples are near duplicates.
        duplicates: share of near duplicates among real samples, 0 to 1.
        accuracy: share of real samples whose nearest other one is of their class; 0 without labels.
    """

    samples: Tensor
    labels: Tensor | None
    classes: int
    close: float
    duplicates: float
    accuracy: float

    @classmethod
    def of(cls, samples: Tensor, labels: Tensor | None = None, classes: int = 0) -> "Reference":
        """Measure real samples, two at least."""
        between = distances(samples, samples).fill_diagonal_(float("inf"))
        nearest, which = between.min(1)
        close = CLOSE * float(nearest.median())
        accuracy = 0.0 if labels is None else float((labels[which] == labels).double().mean())
        duplicates = float((nearest <= close).double().mean())
        return cls(samples, labels, classes, close, duplicates, accuracy)

    def duplicate_rate(self, samples: Tensor) -> float:
        """Share of samples [N, *shape] that have a near duplicate among the others, 0 to 1; 1 when all are equal."""
        return float((nearest_other(samples) <= self.close).double().mean())

    def class_shares(self, samples: Tensor) -> Tensor:
        """Share of samples [N, *shape] whose nearest real sample is of each class: float64 [classes], sum 1."""
        assert self.labels is not None, "only labelled data has classes"
        which = distances(samples, self.samples).min(1).indices
        return torch.bincount(self.labels[which], minlength=self.classes).double() / len(samples)


class Duplicates(Metric):
    """Share of samples that nearly repeat another one; what that means is set by as many real ones."""

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        context.chosen(context.reference(), self.spec.count)

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        real = context.reference()
        chosen = to_unit(real.source.fetch(context.chosen(real, self.spec.count)).cpu())
        reference = Reference.of(chosen)
        samples = torch.cat([to_unit(batch) for batch in context.samples(self.spec.count)])
        return {"share": reference.duplicate_rate(samples), "of real ones": reference.duplicates}
