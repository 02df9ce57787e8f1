"""Measures on features: Fréchet and kernel distance, score, precision and recall, and what labels add to them.

The formulas are torch-fidelity's. Whose features they are is part of a metric's name: FID, IS and KID are Inception's.
"""

import warnings

import numpy as np
import torch
from torch import Tensor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric
from torch_fidelity.metric_kid import kernel_mmd
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

from ganzoo.errors import DataError
from ganzoo.metrics.base import Exam, Metric
from ganzoo.metrics.extractors import Extractor
from ganzoo.metrics.reference import statistics
from ganzoo.metrics.specs import RECOGNISED

SPLITS = 10
SUBSETS, SUBSET_SIZE = 100, 1_000
NEIGHBOURS = 3
SHUFFLE_SEED = 2020
"""torch-fidelity's own default."""
ROWS = 2_500
"""Distances to so many samples at once: 100 MB against 10,000."""


class FeatureMetric(Metric):
    """A measure on the features of ``spec.extractor``."""

    def unfit(self, exam: Exam) -> str:
        if reason := super().unfit(exam):
            return reason
        name = self.spec.extractor
        if name in RECOGNISED and exam.against != name:
            return f"its features were learned from {name!r}, and the samples are held against {exam.against!r}"
        return ""

    def ready(self, exam: Exam) -> None:
        super().ready(exam)
        self.opened(exam)
        exam.reference()

    def opened(self, exam: Exam) -> Extractor:
        """The extractor.

        Raises:
            DataError: it takes another size of images.
        """
        extractor = exam.extractor(self.spec.extractor)
        if extractor.shape and extractor.shape != exam.subject.shape:
            sizes = ["x".join(map(str, shape)) for shape in (exam.subject.shape, extractor.shape)]
            raise DataError(
                f"{self.spec.name}: {exam.subject.name} has images of {sizes[0]}, and the recogniser of "
                f"{extractor.name!r} takes {sizes[1]}. Nothing is rescaled for a metric."
            )
        return extractor

    def features(self, exam: Exam) -> dict[str, Tensor]:
        """Of the subject's samples, by layer."""
        return exam.features(self.opened(exam), self.spec.count)


class FrechetDistance(FeatureMetric):
    """Fréchet distance of Gaussians fitted to features: arXiv:1706.08500, eq. 6; FID with Inception's."""

    def measure(self, exam: Exam) -> dict[str, float]:
        found = statistics(self.features(exam)["features"])
        return {"distance": frechet_distance(found, exam.reference_statistics(self.opened(exam)))}


def frechet_distance(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """Squared Fréchet distance of two Gaussians, each (mean [F], covariance [F, F]) in float64."""
    one, two = ({"mu": mean.numpy(), "sigma": covariance.numpy()} for mean, covariance in (a, b))
    return float(fid_statistics_to_metric(one, two, verbose=False)[KEY_METRIC_FID])


class Score(FeatureMetric):
    """exp of the mean divergence of p(y|x) from p(y), over ten splits: arXiv:1606.03498, sec. 4; IS with Inception."""

    def ready(self, exam: Exam) -> None:
        Metric.ready(self, exam)
        self.opened(exam)  # it looks at no real sample

    def measure(self, exam: Exam) -> dict[str, float]:
        found = isc_features_to_metric(self.features(exam)["logits"], SPLITS, True, SHUFFLE_SEED)
        return {"score": found[KEY_METRIC_ISC_MEAN], "std over splits": found[KEY_METRIC_ISC_STD]}


class AgainstAsMany(FeatureMetric):
    """A measure that takes as many real samples as generated ones."""

    def ready(self, exam: Exam) -> None:
        super().ready(exam)
        exam.chosen(exam.reference(), self.spec.count)

    def real(self, exam: Exam) -> Tensor:
        """Features [count, F] of real samples."""
        return exam.reference_features(self.opened(exam), self.spec.count)[0]


class KernelDistance(AgainstAsMany):
    """Unbiased MMD with a cubic kernel over 100 subsets of 1,000: arXiv:1801.01401; KID with Inception's features."""

    def measure(self, exam: Exam) -> dict[str, float]:
        own, real = self.features(exam)["features"].numpy(), self.real(exam).numpy()
        found, rng = [], np.random.RandomState(SHUFFLE_SEED)
        for _ in range(SUBSETS):  # torch-fidelity's loop, but in double precision, a subset at a time
            chosen = [f[rng.choice(len(f), SUBSET_SIZE, replace=False)].astype(np.float64) for f in (own, real)]
            found.append(kernel_mmd(*chosen))
        return {"distance": float(np.mean(found)), "std over subsets": float(np.std(found))}


class PrecisionRecall(AgainstAsMany):
    """Share of samples inside the manifold of real ones, and the reverse: arXiv:1904.06991, with 3 neighbours."""

    def measure(self, exam: Exam) -> dict[str, float]:
        own, real = self.features(exam)["features"], self.real(exam)
        found = prc_features_to_metric(
            own, real, prc_neighborhood=NEIGHBOURS, prc_batch_size=ROWS, save_cpu_ram=True, verbose=False
        )
        return {"precision": found[KEY_METRIC_PRECISION], "recall": found[KEY_METRIC_RECALL]}


# With labels


class ClassBalance(FeatureMetric):
    """Total variation distance between the classes that the recogniser sees in samples and those of real ones.

    0: as frequent as in the data; 1: none in common.
    """

    def ready(self, exam: Exam) -> None:
        super().ready(exam)
        labels_of(exam)

    def measure(self, exam: Exam) -> dict[str, float]:
        logits = self.features(exam)["logits"]
        labels = labels_of(exam)
        seen = torch.bincount(logits.argmax(1), minlength=logits.shape[1]).double() / len(logits)
        real = torch.bincount(labels, minlength=logits.shape[1]).double() / len(labels)
        rarest = int((seen / real.clamp_min(1e-12)).argmin())
        return {
            "distance": float((seen - real).abs().sum() / 2),
            "rarest share": float(seen[rarest]),
            "rarest class": float(rarest),
        }


class Conditional(FeatureMetric):
    """A measure of how well a generator keeps to the class that it is asked for."""

    def unfit(self, exam: Exam) -> str:
        if not exam.subject.classes:
            return f"{exam.subject.name} takes no labels, so there is no class to ask for"
        return super().unfit(exam)


class ClassAccuracy(Conditional):
    """Share of conditional samples that the recogniser takes for the class that was asked for."""

    def measure(self, exam: Exam) -> dict[str, float]:
        logits, asked = self.features(exam)["logits"], exam.labels(self.spec.count)
        assert asked is not None, "unfit() refuses it"
        right = (logits.argmax(1) == asked).double()
        worst = min(float(right[asked == k].mean()) for k in asked.unique())
        return {"accuracy": float(right.mean()), "of the worst class": worst}


class IntraClassDistance(Conditional):
    """Mean over classes of the Fréchet distance between samples of a class and real ones of it: arXiv:1802.05637."""

    def ready(self, exam: Exam) -> None:
        super().ready(exam)
        labels_of(exam)

    def measure(self, exam: Exam) -> dict[str, float]:
        own, asked = self.features(exam)["features"], exam.labels(self.spec.count)
        assert asked is not None, "unfit() refuses it"
        real, _ = exam.reference_features(self.opened(exam))
        labels = labels_of(exam)
        if int(torch.bincount(asked).min()) <= own.shape[1]:
            warnings.warn(
                f"{self.spec.name}: a class has no more samples than features ({own.shape[1]}), so its covariance is "
                "singular and the distance too large.",
                stacklevel=2,
            )
        found = [frechet_distance(statistics(own[asked == k]), statistics(real[labels == k])) for k in asked.unique()]
        return {"distance": sum(found) / len(found), "of the worst class": max(found)}


def labels_of(exam: Exam) -> Tensor:
    """Labels int64 [N] of the split that is trained on.

    Raises:
        DataError: it has none.
    """
    labels = exam.reference().labels
    if labels is None:
        raise DataError(f"{exam.against!r} has no class labels to compare with.")
    return labels.cpu()
