"""Measures of the toys: one of any samples, one of a translator."""

import torch

from ganzoo.plugin import EvaluationContext, Metric, to_unit


class MeanDistance(Metric):
    """Root mean squared difference between the mean sample and the mean of the data."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        samples = to_unit(torch.cat(list(context.samples(self.spec.count))))
        reference = context.reference()
        real = to_unit(reference.source.fetch(torch.arange(min(64, reference.info.count))).cpu())
        return {"distance": float((samples.mean(0) - real.mean(0)).square().mean().sqrt())}


class Change(Metric):
    """Mean absolute difference between images and what they are turned into."""

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        translator = context.target.translator
        assert translator is not None, "unsuitable() says so"
        images = to_unit(context.load("").fetch(translator.input, torch.arange(8)).cpu())
        return {"change": float((translator(images) - images).abs().mean())}
