"""How well the choices of a categorical code are the classes: arXiv:1606.03657, section 7.2."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.plugin import Dataset, EvaluationContext, Metric, device_of, to_unit
from ganzoo_zoo.infogan.networks import CodeReader

MATCHED = 10_000
"""Training images by which a choice is matched with the class that it is most often."""
BATCH = 500


class CodeError(Metric):
    """Each choice stands for the class that most training images have for which it is read."""

    def unsuitable(self, context: EvaluationContext) -> str:
        reason = super().unsuitable(context)
        if reason:
            return reason
        reader = context.target.encoder
        if not isinstance(reader, CodeReader) or not reader.categorical:
            return f"{self.spec.name} is of networks that read a categorical code"
        return ""

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        reader = context.target.encoder
        assert isinstance(reader, CodeReader), "unsuitable() says so"
        known, held_out = context.reference(), context.held_out()
        read, labels = codes_of(reader, known, MATCHED)
        classes = len(known.info.classes)
        counts = one_hot(read, reader.categorical[0]).T.float() @ one_hot(labels, classes).float()
        meant = counts.argmax(1)
        read, labels = codes_of(reader, held_out, len(held_out.source))
        wrong = (meant[read] != labels).float().mean()
        return {"share": float(wrong), "classes found": float(len(meant[counts.sum(1) > 0].unique()))}


def codes_of(reader: CodeReader, dataset: Dataset, count: int) -> tuple[Tensor, Tensor]:
    """The choices that are read of the first ``count`` images, and their classes, both int64 [N]."""
    device, read = device_of(reader), []
    indices = torch.arange(min(count, len(dataset.source)))
    for part in indices.split(BATCH):
        codes = reader(to_unit(dataset.fetch("images", part)).to(device))
        read.append(codes[:, : reader.categorical[0]].argmax(1).cpu())
    return torch.cat(read), torch.cat([dataset.fetch("labels", part) for part in indices.split(BATCH)])
