"""Whether conditional samples have the colour that was asked for: arXiv:1810.10395."""

import torch

from ganzoo.data.derived.colours import dominant_colours
from ganzoo.data.specs.packages import COLOUR_CLASSES
from ganzoo.errors import UsageError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext, as_uint8


class ColourAccuracy(Metric):
    """Share of samples whose dominant colour is the class that was requested, classes as often as in the data; beside
    it the same share of real images."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        if not context.target.classes:
            return f"{context.target.name} takes no labels, so there is no colour to ask for"
        return ""

    def prepare(self, context: EvaluationContext) -> None:
        super().prepare(context)
        found = context.labelled_reference(self.spec.name)
        if others := [name for name in found.info.classes if name not in COLOUR_CLASSES]:
            raise UsageError(f"{self.spec.name}: {others[0]!r}, a class of {context.against!r}, is not a colour.")
        context.chosen(found, min(self.spec.count, len(found.source)))

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        found = context.labelled_reference(self.spec.name)
        numbers = torch.tensor([COLOUR_CLASSES.index(name) for name in found.info.classes])
        asked = context.labels(self.spec.count)
        assert asked is not None, "unsuitable() says so"
        seen = torch.cat([dominant_colours(as_uint8(part)) for part in context.samples(self.spec.count)])
        right = (seen == numbers[asked]).double()
        rows = context.chosen(found, min(self.spec.count, len(found.source)))
        assert found.labels is not None, "prepare() asks for them"
        real = dominant_colours(as_uint8(found.source.fetch(rows))) == numbers[found.labels.cpu()[rows]]
        worst = min(float(right[asked == k].mean()) for k in asked.unique())
        return {"accuracy": float(right.mean()), "of the worst class": worst, "real": float(real.double().mean())}
