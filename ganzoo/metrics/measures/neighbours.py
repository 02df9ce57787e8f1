"""What samples resemble most among the images that were trained on: a number for memorisation, and two pictures."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext

ROWS = 2_000
"""Real images whose distances are held at once."""
LEVEL = 0.01
"""Share of unseen real images that count as copies, by definition of the threshold."""
TESTED = 1_000


@dataclass(frozen=True)
class Nearest:
    """Of each of N samples the k nearest real images: distances [N, k] (root mean square), indices [N, k]."""

    distance: Tensor
    index: Tensor


def nearest(samples: Tensor, source: Dataset, k: int = 1) -> Nearest:
    """The nearest images of a whole split, in pixels, to uint8 images [N, C, H, W]."""
    wanted = to_unit(samples).flatten(1)
    best = torch.full((len(wanted), k), float("inf"))
    which = torch.zeros(len(wanted), k, dtype=torch.int64)
    for indices in torch.arange(len(source.source)).split(ROWS):
        real = to_unit(source.source.fetch(indices).cpu()).flatten(1)
        found = torch.cat([best, torch.cdist(wanted, real) / wanted.shape[1] ** 0.5], dim=1)
        candidates = torch.cat([which, indices.expand(len(wanted), -1)], dim=1)
        best, order = found.topk(k, dim=1, largest=False)
        which = candidates.gather(1, order)
    return Nearest(best, which)


def nearest_features(own: Tensor, real: Tensor, k: int = 1) -> Nearest:
    """The same by features [N, F] and [M, F]."""
    distance, index = torch.cdist(own, real).div(own.shape[1] ** 0.5).topk(k, dim=1, largest=False)
    return Nearest(distance, index)


class Copies(Metric):
    """Share of samples that are nearer to a training image than 99 % of the test images are.

    A generator that has learned the distribution gives about 0.01, one that repeats its training images up to 1.
    Blurred and averaged images are near to everything: a high share is a reason to look (``--neighbours``), no proof.
    """

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        context.reference()
        context.reference("test")

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        train = context.reference()
        test = context.reference("test")
        indices = context.chosen(test, min(TESTED, len(test.source)))
        unseen = nearest(test.source.fetch(indices).cpu(), train).distance[:, 0]
        if float(unseen.median()) == 0:
            raise DataError(f"most test images of {context.against!r} are training images too: nothing can be told.")
        own = nearest(torch.cat(list(context.samples(self.spec.count))), train).distance[:, 0]
        threshold = float(unseen.quantile(LEVEL))
        return {
            "share": float((own <= threshold).double().mean()),
            "median distance": float(own.median()),
            "of test images": float(unseen.median()),
        }
