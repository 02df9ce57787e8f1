"""How well scores of anomalies tell the classes that were trained on from those that were not."""

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext
from ganzoo.models.interfaces import Scorer, device_of

BATCH = 500


class AnomalyAUC(Metric):
    """Area under the ROC curve of the scores of all test images; those of a class that was not trained on are odd."""

    def prepare(self, context: EvaluationContext) -> None:
        self.tests(context)

    def tests(self, context: EvaluationContext) -> tuple[Dataset, Tensor]:
        """The test split with all its classes, and which of its images are odd, bool [N].

        Raises:
            SplitMissingError: there is no test split.
            DataError: no classes, or the test split has only odd images, or none.
        """
        trained, tests = context.reference(), context.load("test")
        tests = tests.whole or tests
        if trained.labels is None or tests.labels is None:
            raise DataError(f"{context.against!r} has no labels, and {self.spec.name} tells classes apart.")
        normal = {trained.info.classes[k] for k in trained.labels.unique().tolist()}
        of_class = torch.tensor([name not in normal for name in tests.info.classes])
        odd = of_class[tests.labels.cpu()]
        if not odd.any():
            raise DataError(f"{self.spec.name}: training knows all classes of {context.against!r}, so no test image is "
                            "odd. Train on some of them: -o only=CLASS.")  # fmt: skip
        if odd.all():
            raise DataError(f"{self.spec.name}: the test split of {context.against!r} has no image of a class that was "
                            f"trained on ({', '.join(sorted(normal))}).")  # fmt: skip
        info = tests.info
        context.used["reference"] = {
            "data": info.name, "digest": info.digest, "splits": {info.split: info.count}, "normal": sorted(normal),
        }  # fmt: skip
        return tests, odd

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        scorer = context.target.scorer
        assert isinstance(scorer, Scorer), "unsuitable() says so"
        tests, odd = self.tests(context)
        device, found = device_of(scorer), []
        for start in range(0, len(odd), BATCH):
            context.progress("scores of test images", start, len(odd))
            indices = torch.arange(start, min(start + BATCH, len(odd)))
            found.append(scorer(to_unit(tests.source.fetch(indices)).to(device)).double().cpu())
        scores = torch.cat(found)
        if broken := int((~scores.isfinite()).sum()):
            raise DataError(f"{broken:,} of {len(scores):,} scores are not finite: this scorer is broken.")
        return {"AUC": auc(scores[~odd], scores[odd]), "normal": float((~odd).sum()), "odd": float(odd.sum())}


def auc(normal: Tensor, odd: Tensor) -> float:
    """Probability that an odd image has a larger score than a normal one, equal scores counted half.

    The rank statistic of Mann and Whitney, exact with ties.

    Args:
        normal, odd: scores [N] and [M].
    """
    ordered = normal.sort().values
    below, up_to = (torch.searchsorted(ordered, odd.contiguous(), side=side) for side in ("left", "right"))
    return float((below + up_to).sum()) / (2 * len(normal) * len(odd))
