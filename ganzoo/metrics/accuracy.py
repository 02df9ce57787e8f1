"""How often a trained classifier is right on images that it has never seen."""

import torch

from ganzoo.data.base import to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Exam, Metric

BATCH = 500
SPLIT = "test"


class TestAccuracy(Metric):
    """Share of the test split that is classified right; nothing else of that split is ever looked at."""

    __test__ = False  # pytest would take it for a test

    @torch.no_grad()
    def measure(self, exam: Exam) -> dict[str, float]:
        classifier = exam.subject.classifier
        assert classifier is not None, "unfit() refuses it"
        test = exam.reference(SPLIT)
        if test.labels is None or len(test.info.classes) != classifier.classes:
            raise DataError(f"{exam.against!r} has not the {classifier.classes} classes that were learned.")
        device = next(classifier.parameters()).device
        right, labels = 0, test.labels.cpu()
        for indices in torch.arange(len(test.source)).split(BATCH):
            images = to_unit(test.source.fetch(indices).to(device))
            right += int((classifier(images).argmax(1).cpu() == labels[indices]).sum())
        accuracy = right / len(test.source)
        return {"accuracy": accuracy, "test error": 1 - accuracy}
