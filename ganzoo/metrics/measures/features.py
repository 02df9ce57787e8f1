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

from ganzoo.data.base import KEPT
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.cache import statistics
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.extractors import Extractor
from ganzoo.metrics.specs import CLASSIFIED

SPLITS = 10
SUBSETS, SUBSET_SIZE = 100, 1_000
NEIGHBOURS = 3
SHUFFLE_SEED = 2020
"""torch-fidelity's own default."""
ROWS = 2_500
"""Distances to so many samples at once: 100 MB against 10,000."""


class FeatureMetric(Metric):
    """A measure on the features of ``spec.extractor``."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        name = self.spec.extractor
        if name in CLASSIFIED and context.against != name:
            return f"its features were learned from {name!r}, and the samples are compared with {context.against!r}"
        return ""

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        self.opened(context)
        context.reference()

    def opened(self, context: EvaluationContext) -> Extractor:
        """The extractor.

        Raises:
            DataError: it takes another size of images.
        """
        extractor = context.extractor(self.spec.extractor)
        if extractor.shape and extractor.shape != context.target.shape:
            sizes = ["x".join(map(str, shape)) for shape in (context.target.shape, extractor.shape)]
            raise DataError(
                f"{self.spec.name}: {context.target.name} has images of {sizes[0]}, and the feature classifier of "
                f"{extractor.name!r} takes {sizes[1]}. Nothing is rescaled for a metric."
            )
        return extractor

    def features(self, context: EvaluationContext) -> dict[str, Tensor]:
        """Of the target's samples, by layer."""
        return context.features(self.opened(context), self.spec.count)


class FrechetDistance(FeatureMetric):
    """Fréchet distance of Gaussians fitted to features: arXiv:1706.08500, eq. 6; FID with Inception's."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        found = statistics(self.features(context)["features"])
        return {"distance": frechet_distance(found, context.reference_statistics(self.opened(context)))}


def frechet_distance(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """Squared Fréchet distance of two Gaussians, each (mean [F], covariance [F, F]) in float64."""
    one, two = ({"mu": mean.numpy(), "sigma": covariance.numpy()} for mean, covariance in (a, b))
    return float(fid_statistics_to_metric(one, two, verbose=False)[KEY_METRIC_FID])


class Score(FeatureMetric):
    """exp of the mean divergence of p(y|x) from p(y), over ten splits: arXiv:1606.03498, sec. 4; IS with Inception."""

    def prepare(self, context: EvaluationContext) -> None:
        Metric.prepare(self, context)
        self.opened(context)  # it looks at no real sample

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        found = isc_features_to_metric(self.features(context)["logits"], SPLITS, True, SHUFFLE_SEED)
        return {"score": found[KEY_METRIC_ISC_MEAN], "std over splits": found[KEY_METRIC_ISC_STD]}


class AgainstAsMany(FeatureMetric):
    """A measure that takes as many real samples as generated ones."""

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        context.chosen(context.reference(), self.spec.count)

    def real(self, context: EvaluationContext) -> Tensor:
        """Features [count, F] of real samples."""
        return context.reference_features(self.opened(context), self.spec.count)[0]


class KernelDistance(AgainstAsMany):
    """Unbiased MMD with a cubic kernel over 100 subsets of 1,000: arXiv:1801.01401; KID with Inception's features."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        own, real = self.features(context)["features"].numpy(), self.real(context).numpy()
        found, rng = [], np.random.RandomState(SHUFFLE_SEED)
        for _ in range(SUBSETS):  # torch-fidelity's loop, but in double precision, a subset at a time
            chosen = [f[rng.choice(len(f), SUBSET_SIZE, replace=False)].astype(np.float64) for f in (own, real)]
            found.append(kernel_mmd(*chosen))
        return {"distance": float(np.mean(found)), "std over subsets": float(np.std(found))}


class PrecisionRecall(AgainstAsMany):
    """Share of samples inside the manifold of real ones, and the reverse: arXiv:1904.06991, with 3 neighbours."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        own, real = self.features(context)["features"], self.real(context)
        found = prc_features_to_metric(
            own, real, prc_neighborhood=NEIGHBOURS, prc_batch_size=ROWS, save_cpu_ram=True, verbose=False
        )
        return {"precision": found[KEY_METRIC_PRECISION], "recall": found[KEY_METRIC_RECALL]}


# With labels


class ClassBalance(FeatureMetric):
    """Total variation distance between the classes that the feature classifier sees in samples and those of real ones.

    0: as frequent as in the data; 1: none in common.
    """

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        labels_of(context)

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        logits = self.features(context)["logits"]
        labels = as_classified(context, labels_of(context))
        seen = torch.bincount(logits.argmax(1), minlength=logits.shape[1]).double() / len(logits)
        real = torch.bincount(labels, minlength=logits.shape[1]).double() / len(labels)
        # A class that was left out of the data is not rare.
        rarest = int((seen / real).where(real > 0, torch.inf).argmin())
        return {
            "distance": float((seen - real).abs().sum() / 2),
            "rarest share": float(seen[rarest]),
            "rarest class": float(rarest),
        }


class Conditional(FeatureMetric):
    """A measure of how well a generator keeps to the class that it is to draw."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if not context.target.classes:
            return f"{context.target.name} takes no labels, so there is no class to ask for"
        return super().unsuitable(context)


class ClassAccuracy(Conditional):
    """Share of conditional samples that the feature classifier takes for the class that was requested."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        logits, asked = self.features(context)["logits"], context.labels(self.spec.count)
        assert asked is not None, "unsuitable() says so"
        right = (logits.argmax(1) == as_classified(context, asked)).double()
        worst = min(float(right[asked == k].mean()) for k in asked.unique())
        return {"accuracy": float(right.mean()), "of the worst class": worst}


class IntraClassDistance(Conditional):
    """Mean over classes of the Fréchet distance between samples of a class and real ones of it: arXiv:1802.05637."""

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        labels_of(context)

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        own, asked = self.features(context)["features"], context.labels(self.spec.count)
        assert asked is not None, "unsuitable() says so"
        real, _ = context.reference_features(self.opened(context))
        labels = labels_of(context)
        if int(torch.bincount(asked).min()) <= own.shape[1]:
            warnings.warn(
                f"{self.spec.name}: a class has no more samples than features ({own.shape[1]}), so its covariance is "
                "singular and the distance too large.",
                stacklevel=2,
            )
        found = [frechet_distance(statistics(own[asked == k]), statistics(real[labels == k])) for k in asked.unique()]
        return {"distance": sum(found) / len(found), "of the worst class": max(found)}


def labels_of(context: EvaluationContext) -> Tensor:
    """Labels int64 [N] of the split that is trained on.

    Raises:
        DataError: it has none.
    """
    labels = context.reference().labels
    if labels is None:
        raise DataError(f"{context.against!r} has no class labels to compare with.")
    return labels.cpu()


def as_classified(context: EvaluationContext, labels: Tensor) -> Tensor:
    """Labels as a feature classifier numbers them, which knows all classes, also those that were left out."""
    kept = context.reference().info.extra.get(KEPT)
    return labels if kept is None else torch.tensor(kept)[labels]
