"""What the latents of an encoder know of classes: arXiv:1605.09782, section 4.2."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext
from ganzoo.models.interfaces import Encoder, device_of

FITTED = 10_000
"""Training images."""
BATCH = 500
RIDGE = 1e-3
"""Of the linear classifier, as a share of the mean square of a latent."""


class Encoded(Metric):
    """A metric of latents and classes: of the first training images, and of all test images."""

    def prepare(self, context: EvaluationContext) -> None:
        self.known(context)

    def known(self, context: EvaluationContext) -> Dataset:
        """The training images.

        Raises:
            DataError: they have no classes.
        """
        found = context.reference()
        if found.labels is None:
            raise DataError(f"{context.against!r} has no labels, and {self.spec.name} compares latents with classes.")
        return found

    @torch.no_grad()
    def latents(self, context: EvaluationContext, dataset: Dataset, count: int = 0) -> tuple[Tensor, Tensor]:
        """Latents float32 [N, D] of the first ``count`` images, or of all, and their classes int64 [N]."""
        encoder = context.target.encoder
        assert isinstance(encoder, Encoder), "unsuitable() says so"
        assert dataset.labels is not None, "known() says so"
        total, device = len(dataset.source), device_of(encoder)
        indices = torch.arange(min(count, total) if count else total)
        found = [encoder(to_unit(dataset.source.fetch(part)).to(device)).float().cpu() for part in indices.split(BATCH)]
        return torch.cat(found), dataset.labels.cpu()[indices]


class NeighbourAccuracy(Encoded):
    """A test image takes the class of the training image whose latent is nearest."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        latents, labels = self.latents(context, self.known(context), FITTED)
        tests, truth = self.latents(context, context.held_out())
        nearest = torch.cat([torch.cdist(part, latents).argmin(1) for part in tests.split(BATCH)])
        return {"share": float((labels[nearest] == truth).float().mean())}


class ProbeAccuracy(Encoded):
    """A linear classifier by least squares: latents and a constant to one number a class."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        known = self.known(context)
        latents, labels = self.latents(context, known, FITTED)
        tests, truth = self.latents(context, context.held_out())
        inputs, targets = with_one(latents), one_hot(labels, len(known.info.classes)).double()
        square = inputs.T @ inputs
        ridge = RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=torch.float64)
        weights = torch.linalg.solve(square + ridge, inputs.T @ targets)
        return {"share": float(((with_one(tests) @ weights).argmax(1) == truth).float().mean())}


def with_one(latents: Tensor) -> Tensor:
    """Latents [N, D] with a constant, float64 [N, D + 1]."""
    return torch.cat([latents.double(), torch.ones(len(latents), 1, dtype=torch.float64)], 1)
