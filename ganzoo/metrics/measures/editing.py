"""Whether an edit changed the attribute that it was to change, and no other: after arXiv:1611.06355, section 4.2."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.feature_classifier import FeatureClassifier
from ganzoo.models.edit import Editor, editor_of

WIDTH, EPOCHS, BATCH, LR = 8, 4, 128, 2e-3
"""Of the classifier, and how it is trained."""
FITTED = 10_000
"""Training images."""
EDITED = 500
"""Test images, each of which is edited once for every attribute."""


class EditSuccess(Metric):
    """Test images with one attribute turned over, judged by a classifier that is trained on real images here.

    How much it gets right of all attributes of the test images stands beside the result.
    """

    def unsuitable(self, context: EvaluationContext) -> str:
        if editor_of(context.target.roles) is None:
            return f"{context.target.name} has no networks that edit attributes"
        return super().unsuitable(context)

    def prepare(self, context: EvaluationContext) -> None:
        attributes_of(context.reference(), self.spec.name)

    def classifier(self, context: EvaluationContext) -> FeatureClassifier:
        """A classifier of some training images, chosen at random, always the same."""
        known = context.reference()
        return trained(known, self.spec.name, context.chosen(known, min(FITTED, len(known.source))))

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        editor = editor_of(context.target.roles)
        assert editor is not None, "unsuitable() says so"
        classifier = context.of_reference("edit classifier", lambda: self.classifier(context))
        tests = context.held_out()
        truth = attributes_of(tests, self.spec.name)
        edited = context.chosen(tests, min(EDITED, len(truth)))
        changed, kept = judged(editor, classifier, images_of(tests, edited), truth[edited])
        rows = torch.arange(len(truth)).split(BATCH)
        hits = [seen(classifier, images_of(tests, part)) == truth[part].bool() for part in rows]
        right = torch.cat(hits).float().mean()
        return {"share": float(changed), "kept": float(kept), "classifier": float(right)}


def judged(editor: Editor, classifier: FeatureClassifier, images: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """The share of edits that the classifier confirms, and the share of other attributes that are as before.

    Args:
        images: [N, C, H, W] in [-1, 1].
        truth: their attributes, 0 or 1, [N, attributes].
    """
    changed, kept = [], []
    for column in range(truth.shape[1]):
        for value in (0.0, 1.0):
            rows = truth[:, column] != value
            if not bool(rows.any()):
                continue
            found = seen(classifier, editor.edit(images[rows], {column: value}))
            same = found == truth[rows].bool()
            changed.append(~same[:, column])
            others = torch.arange(truth.shape[1]) != column
            kept.append(same[:, others].flatten())
    return torch.cat(changed).float().mean(), torch.cat(kept).float().mean()


def attributes_of(dataset: Dataset, metric: str) -> Tensor:
    """float32 [N, attributes].

    Raises:
        DataError: the data set has none.
    """
    if "attributes" not in dataset.info.fields:
        raise DataError(f"{dataset.info.name!r} has no attributes, and {metric} changes attributes.")
    return dataset.fetch("attributes", torch.arange(dataset.info.count)).float().cpu()


def images_of(dataset: Dataset, indices: Tensor) -> Tensor:
    """The images of these numbers, [N, C, H, W] in [-1, 1], on the CPU."""
    return to_unit(dataset.source.fetch(indices)).cpu()


@torch.no_grad()
def seen(classifier: FeatureClassifier, images: Tensor) -> Tensor:
    """Whether images have each attribute, bool [N, attributes]."""
    return torch.cat([classifier(part)[1] > 0 for part in images.split(500)])


def trained(dataset: Dataset, metric: str, indices: Tensor) -> FeatureClassifier:
    """A classifier of the attributes, of the images of these numbers; the same for the same data on one machine."""
    targets = attributes_of(dataset, metric)
    with torch.random.fork_rng(), torch.enable_grad():  # metrics are taken without gradients
        torch.manual_seed(0)
        network = FeatureClassifier(dataset.info.shape[0], targets.shape[1], WIDTH)
        optimizer = torch.optim.Adam(network.parameters(), lr=LR)
        steps = EPOCHS * -(-len(indices) // BATCH)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(EPOCHS):
            for rows in indices[torch.randperm(len(indices))].split(BATCH):
                loss = binary_cross_entropy_with_logits(network(images_of(dataset, rows))[1], targets[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
    return network.eval()
