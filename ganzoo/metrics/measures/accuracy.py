"""How often a trained classifier is right on images that it has never seen."""

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext

BATCH = 500
SPLIT = "test"


class TestAccuracy(Metric):
    """Share of the test split that is classified right; nothing else of that split is ever looked at."""

    __test__ = False  # pytest would take it for a test

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

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        classifier, (test, labels) = context.target.classifier, self.test(context)
        assert classifier is not None, "unsuitable() says so"
        device, right = next(classifier.parameters()).device, 0
        for indices in torch.arange(len(test.source)).split(BATCH):
            images = to_unit(test.source.fetch(indices).to(device))
            right += int((classifier(images).argmax(1).cpu() == labels[indices]).sum())
        accuracy = right / len(test.source)
        return {"accuracy": accuracy, "test error": 1 - accuracy}
