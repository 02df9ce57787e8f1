"""How near what is painted into a hole comes to what was there."""

import math

import torch

from ganzoo.plugin import EvaluationContext, Metric, to_unit
from ganzoo_zoo.inpainting.masks import masks
from ganzoo_zoo.inpainting.networks import Painter

MOST, BATCH = 1_000, 50


class HolePSNR(Metric):
    """Peak signal-to-noise ratio in dB inside a square hole in the middle, over all its values: mean of images.

    Beside it that of grey, the middle of the range of values.
    """

    def unsuitable(self, context: EvaluationContext) -> str:
        reason = super().unsuitable(context)
        if reason or isinstance(context.target.translator, Painter):
            return reason
        return f"{self.spec.name} is of networks that fill holes"

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        network = context.target.translator
        assert network is not None, "unsuitable() says so"
        found = context.held_out()
        _, height, width = found.info.shape
        hole = masks("centre", 1, height, width, torch.Generator())
        inside = hole.bool().expand(1, *found.info.shape)
        scores: list[float] = []
        grey: list[float] = []
        for indices in torch.arange(min(MOST, len(found.source))).split(BATCH):
            images = to_unit(found.fetch("images", indices).cpu())
            given = torch.cat([images, (2 * hole - 1).expand(len(images), -1, -1, -1)], 1)
            painted = network(given).clamp(-1, 1).float().cpu()
            for one, filled in zip(images, painted, strict=True):
                for values, into in ((filled, scores), (torch.zeros_like(one), grey)):
                    error = float((values - one)[inside[0]].div(2).square().mean())
                    into.append(-10 * math.log10(max(error, 1e-10)))
        return {"mean": sum(scores) / len(scores), "grey": sum(grey) / len(grey)}
