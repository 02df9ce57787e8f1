"""How often a trained classifier is right on images that it has never seen."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext
from ganzoo.models.interfaces import Classifier, device_of

BATCH = 500
SPLIT = "test"
MATCHED = 10_000
"""Training images by which categories that have no names are matched with classes."""


class TestAccuracy(Metric):
    """Share of the test split that is classified right; nothing else of that split is ever looked at."""

    __test__ = False  # pytest would take it for a test

    def unsuitable(self, context: EvaluationContext) -> str:
        reason, classifier = super().unsuitable(context), context.target.classifier
        if reason or classifier is None or classifier.named:
            return reason
        return f"the classifier of {context.target.name} learned without labels: cluster-error matches its categories"

    def prepare(self, context: EvaluationContext) -> None:
        self.test(context)

    def test(self, context: EvaluationContext) -> tuple[Dataset, Tensor]:
        """The test split and its labels.

        Raises:
            DataError: there is none, or it has other classes than were learned.
        """
        classifier, test = context.target.classifier, context.reference(SPLIT)
        assert classifier is not None, "unsuitable() says so"
        if test.labels is None or len(test.info.classes) != classifier.classes:
            raise DataError(f"{context.against!r} has not the {classifier.classes} classes that were learned.")
        return test, test.labels.cpu()

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        classifier, (test, labels) = context.target.classifier, self.test(context)
        assert classifier is not None, "unsuitable() says so"
        right = int((chosen(classifier, test, torch.arange(len(test.source))) == labels).sum())
        accuracy = right / len(test.source)
        return {"accuracy": accuracy, "test error": 1 - accuracy}


class ClusterError(Metric):
    """Share of test images whose category stands for another class; each category stands for the class that most of the
    training images in it have: arXiv:1511.06390. Training labels decide, test labels judge."""

    def prepare(self, context: EvaluationContext) -> None:
        context.labelled_reference(self.spec.name)

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        classifier, known = context.target.classifier, context.labelled_reference(self.spec.name)
        assert classifier is not None, "unsuitable() says so"
        assert known.labels is not None, "labelled_reference() says so"
        indices = context.chosen(known, min(MATCHED, len(known.source)))  # at random: a folder is sorted by class
        found = chosen(classifier, known, indices)
        meant, classes = meanings(found, known.labels.cpu()[indices], classifier.classes, len(known.info.classes))
        test = context.held_out()
        assert test.labels is not None, "a split of the same data"
        wrong = (meant[chosen(classifier, test, torch.arange(len(test.source)))] != test.labels.cpu()).float().mean()
        return {"share": float(wrong), "classes found": float(classes)}


@torch.no_grad()
def chosen(classifier: Classifier, dataset: Dataset, indices: Tensor) -> Tensor:
    """The likeliest class, int64 [N], of the images of these numbers."""
    device, parts = device_of(classifier), indices.split(BATCH)
    return torch.cat([classifier(to_unit(dataset.source.fetch(part).to(device))).argmax(1).cpu() for part in parts])


def meanings(found: Tensor, labels: Tensor, categories: int, classes: int) -> tuple[Tensor, int]:
    """The class, int64 [categories], that most samples of each category have, and how many classes are meant at all.

    A category without samples means no class: -1.

    Args:
        found: the category of each sample, int64 [N].
        labels: its class, int64 [N].
    """
    counts = one_hot(found, categories).T.float() @ one_hot(labels, classes).float()
    used = counts.sum(1) > 0
    meant = counts.argmax(1).where(used, -1)
    return meant, len(meant[used].unique())
