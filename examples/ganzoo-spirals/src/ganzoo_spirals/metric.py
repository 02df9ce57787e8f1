"""Which samples lie on a spiral."""

import torch

from ganzoo.plugin import EvaluationContext, Metric
from ganzoo_spirals.data import NOISE, arms


class OnSpirals(Metric):
    """The share of samples within three standard deviations of an arm; beside it the share of the rarer arm."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        points = torch.cat(list(context.samples(self.spec.count)))
        nearest = torch.stack([torch.cdist(points, arm).amin(1) for arm in arms(torch.linspace(0, 1, 2_000))])
        near = nearest.amin(0) <= 3 * NOISE
        on_first = float((near & (nearest[0] < nearest[1])).sum() / near.sum().clamp(min=1))
        return {"share": float(near.float().mean()), "balance": min(on_first, 1 - on_first) if near.any() else 0.0}
