"""What D's features know of classes: arXiv:1610.07584, section 4.3."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool3d

from ganzoo.plugin import Dataset, EvaluationContext, ProbeAccuracy, to_unit

COARSE = 16
"""Voxels are averaged to so many a side: a classifier of more would have more numbers than there are shapes."""


class VoxelProbe(ProbeAccuracy):
    """A linear classifier of what D's layers see of training shapes, judged by test shapes; beside it the same of the
    voxels themselves. The paper's is a linear SVM; here it is fitted by least squares."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if context.target.kind != "voxels":
            return f"it is of voxels, and {context.target.name} has {context.target.kind}"
        return super().unsuitable(context)

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        known, held_out = self.known(context), context.held_out()
        plain = self.accuracy(*plain_of(known), *plain_of(held_out), len(known.info.classes))
        return {**super().measure(context), "voxels": plain}


def plain_of(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Voxels [N, values] of all shapes, averaged to a coarse grid, and their classes."""
    assert dataset.labels is not None, "the metric asks for classes"
    parts = torch.arange(len(dataset.source)).split(500)
    found = [adaptive_avg_pool3d(to_unit(dataset.source.fetch(part)).cpu(), COARSE).flatten(1) for part in parts]
    return torch.cat(found), dataset.labels.cpu()
