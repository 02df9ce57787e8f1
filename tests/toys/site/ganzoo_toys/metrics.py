"""Measures of the toys: one of any samples, one of a translator."""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from ganzoo.plugin import EvaluationContext, Extractor, ExtractorRequest, Metric, to_unit


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


class Pixels(nn.Module):
    """uint8 images to their pixels at 4x4, as a layer of features."""

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (adaptive_avg_pool2d(to_unit(images), 4).flatten(1),)


def pixels(request: ExtractorRequest) -> Extractor:
    return Extractor(request.name, Pixels(), ("features",), {"name": request.name}, 50, request.device)
