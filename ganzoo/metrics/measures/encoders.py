"""What the latents of an encoder know of classes: arXiv:1605.09782, section 4.2. And what comes back when a generator
decodes them."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext
from ganzoo.models.interfaces import Encoder, Generator, device_of
from ganzoo.models.latents import autoencoder, decoded

FITTED = 10_000
"""Training images."""
BATCH = 500
RIDGE = 1e-3
"""Of the linear classifier, as a share of the mean square of a latent."""


class Encoded(Metric):
    """A metric of latents and classes: of some training images, and of all test images."""

    def prepare(self, context: EvaluationContext) -> None:
        self.known(context)

    def known(self, context: EvaluationContext) -> Dataset:
        """The training images. Raises DataError when they have no classes."""
        return context.labelled_reference(self.spec.name)

    @torch.no_grad()
    def latents(self, context: EvaluationContext, dataset: Dataset, count: int = 0) -> tuple[Tensor, Tensor]:
        """Latents float32 [N, D] of ``count`` images, or of all, and their classes int64 [N].

        They are chosen at random, always the same: a folder is sorted by class.
        """
        encoder = context.target.encoder
        assert isinstance(encoder, Encoder), "unsuitable() says so"
        assert dataset.labels is not None, "known() says so"
        total, device = len(dataset.source), device_of(encoder)
        indices = context.chosen(dataset, min(count, total)) if count else torch.arange(total)
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
        return {"share": self.accuracy(latents, labels, tests, truth, len(known.info.classes))}

    @staticmethod
    def accuracy(latents: Tensor, labels: Tensor, tests: Tensor, truth: Tensor, classes: int) -> float:
        """The share of ``tests`` [M, D] put into their class ``truth`` [M] by a classifier fitted to ``latents`` [N, D]
        of classes ``labels`` [N]."""
        inputs, targets = with_one(latents), one_hot(labels, classes).double()
        square = inputs.T @ inputs
        ridge = RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=torch.float64)
        weights = torch.linalg.solve(square + ridge, inputs.T @ targets)
        return float(((with_one(tests) @ weights).argmax(1) == truth).float().mean())


class ReconstructionL1(Metric):
    """Mean absolute difference, as a share of the range of values, between a test image and what the generator draws of
    its latent. Beside it the mean squared one, and the first for the mean of all test images in place of each."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        generator = self.decoder(context)
        if generator is None:
            return f"{context.target.name} has no generator that takes the latents of its encoder"
        if not generator.condition.is_none and not generator.condition.field:
            return f"the generator of {context.target.name} needs more than a latent, and images do not tell it"
        return ""

    def decoder(self, context: EvaluationContext) -> Generator | None:
        """The generator that takes the encoder's latents, in whatever role."""
        encoder = context.target.encoder
        found = autoencoder([*([] if encoder is None else [encoder]), *context.target.roles.values()])
        return None if found is None or found[0] is not encoder else found[1]

    def prepare(self, context: EvaluationContext) -> None:
        self.images(context)

    def images(self, context: EvaluationContext) -> Dataset:
        """The test images.

        Raises:
            DataError: they lack what the generator is told.
        """
        found, generator = context.held_out(), self.decoder(context)
        assert generator is not None, "unsuitable() says so"
        field = generator.condition.field
        if field and field not in found.info.fields:
            raise DataError(
                f"{context.against!r} has no {field}, which the generator of {context.target.name} is told."
            )
        return found

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        encoder, generator, found = context.target.encoder, self.decoder(context), self.images(context)
        assert encoder is not None, "unsuitable() says so"
        assert generator is not None, "unsuitable() says so"
        field, parts = generator.condition.field, torch.arange(len(found.source)).split(BATCH)
        average = torch.stack([to_unit(found.source.fetch(part)).cpu().double().sum(0) for part in parts]).sum(0)
        average = (average / len(found.source)).float()
        sums = {"mean": 0.0, "squared": 0.0, "average image": 0.0}
        for part in parts:
            images = to_unit(found.source.fetch(part)).cpu()
            latents = encoder(images.to(device_of(encoder)))
            again = decoded(generator, latents, found.fetch(field, part) if field else None).clamp(-1, 1)
            difference = (again - images) / 2
            sums["mean"] += float(difference.abs().flatten(1).mean(1).sum())
            sums["squared"] += float(difference.square().flatten(1).mean(1).sum())
            sums["average image"] += float(((average - images) / 2).abs().flatten(1).mean(1).sum())
        return {name: total / len(found.source) for name, total in sums.items()}


def with_one(latents: Tensor) -> Tensor:
    """Latents [N, D] with a constant, float64 [N, D + 1]."""
    return torch.cat([latents.double(), torch.ones(len(latents), 1, dtype=torch.float64)], 1)
