"""What the latents of an encoder know of classes: arXiv:1605.09782, section 4.2."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.plugin import Dataset, EvaluationContext, Metric, device_of, to_unit

FITTED = 10_000
"""Training images."""
BATCH = 500
RIDGE = 1e-3
"""Of the linear classifier, as a share of the mean square of a latent."""


class NeighbourAccuracy(Metric):
    """A test image takes the class of the training image whose latent is nearest."""

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        latents, labels = encoded(context, context.reference(), FITTED)
        held_out = context.held_out()
        tests, truth = encoded(context, held_out, len(held_out.source))
        nearest = torch.cat([torch.cdist(part, latents).argmin(1) for part in tests.split(BATCH)])
        return {"share": float((labels[nearest] == truth).float().mean())}


class ProbeAccuracy(Metric):
    """A linear classifier by least squares: latents and a constant to one number a class."""

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        known = context.reference()
        latents, labels = encoded(context, known, FITTED)
        held_out = context.held_out()
        tests, truth = encoded(context, held_out, len(held_out.source))
        inputs, targets = with_one(latents), one_hot(labels, len(known.info.classes)).double()
        square = inputs.T @ inputs
        ridge = RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=torch.float64)
        weights = torch.linalg.solve(square + ridge, inputs.T @ targets)
        return {"share": float(((with_one(tests) @ weights).argmax(1) == truth).float().mean())}


def with_one(latents: Tensor) -> Tensor:
    """Latents [N, D] with a constant, float64 [N, D + 1]."""
    return torch.cat([latents.double(), torch.ones(len(latents), 1, dtype=torch.float64)], 1)


def encoded(context: EvaluationContext, dataset: Dataset, count: int) -> tuple[Tensor, Tensor]:
    """Latents float32 [N, D] of the first ``count`` images, and their classes int64 [N]."""
    encoder = context.target.encoder
    assert encoder is not None, "unsuitable() says so"
    device, found, labels = device_of(encoder), [], []
    for part in torch.arange(min(count, len(dataset.source))).split(BATCH):
        found.append(encoder(to_unit(dataset.fetch("images", part)).to(device)).float().cpu())
        labels.append(dataset.fetch("labels", part).cpu())
    return torch.cat(found), torch.cat(labels)
