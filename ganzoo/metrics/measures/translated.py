"""What a translator's results are like, without looking at pairs: their distance to real images, and the way back."""

import torch
from torch import Tensor
from torch_fidelity.metric_kid import kernel_mmd

from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import SplitMissingError, UsageError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.cache import statistics
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measures.features import frechet_distance
from ganzoo.metrics.measures.pairs import as_uint8
from ganzoo.models.interfaces import Translator, device_of
from ganzoo.models.translate import translate

BATCH = 50


def split_of(context: EvaluationContext) -> Dataset:
    """The test split, or where there is none the one that was trained on; which one stands in the result."""
    try:
        found = context.load("test")
    except SplitMissingError:
        found = context.load("")
    info = found.info
    context.used["reference"] = {"data": info.name, "digest": info.digest, "splits": {info.split: info.count}}
    return found


def translator_of(context: EvaluationContext) -> Translator:
    """The translator that is measured."""
    found = context.target.translator
    assert found is not None, "unsuitable() says so"
    return found


def count_of(found: Dataset, field: str) -> int:
    """How many samples a field has; a second set may have another number than the first."""
    if field.startswith("second.") and found.second is not None:
        return len(found.second.source)
    return len(found.source)


class TranslatedFrechet(Metric):
    """Fréchet distance (arXiv:1706.08500, eq. 6) of all translated images of a split to all real ones of the kind that
    they are translated into. Beside it that of the images as they were.

    With fewer images than features the covariances are singular: compare such numbers with those of the same split
    only.
    """

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        return "its results are of another size than its inputs" if translator_of(context).scale != 1 else ""

    def prepare(self, context: EvaluationContext) -> None:
        context.extractor(self.spec.extractor)

    def features(self, context: EvaluationContext) -> dict[str, Tensor]:
        """Features [N, F] of real images, of translated ones, and of the inputs."""
        translator, found = translator_of(context), split_of(context)
        extractor = context.extractor(self.spec.extractor)
        context.used["extractor"] = extractor.identity

        def of(field: str, change: bool) -> Tensor:
            count = count_of(found, field)
            batches = (as_uint8(found.fetch(field, part)) for part in torch.arange(count).split(BATCH))
            if change:
                batches = (translate(translator, images) for images in batches)
            return extractor.extract(batches, count, f"features of {field}", context.progress, ("features",))[
                "features"
            ]

        return {
            "real": of(translator.output, False),
            "translated": of(translator.input, True),
            "input": of(translator.input, False),
        }

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        features = self.features(context)
        real = features.pop("real")
        context.used["samples"] = {"count": len(features["translated"]), "real": len(real)}
        values = {name: self.distance(each, real) for name, each in features.items()}
        return {"distance": values["translated"], "input": values["input"]}

    def distance(self, one: Tensor, other: Tensor) -> float:
        """Of features [N, F] and [M, F]."""
        return frechet_distance(statistics(one), statistics(other))


class TranslatedKernel(TranslatedFrechet):
    """The same as an unbiased kernel distance (arXiv:1801.01401), which few images do not make larger."""

    def distance(self, one: Tensor, other: Tensor) -> float:
        count = min(len(one), len(other))
        return float(kernel_mmd(one[:count].double().numpy(), other[:count].double().numpy()))


class CycleError(Metric):
    """Mean absolute difference, as a share of the range of values, between an image and what comes back from the
    translator of the other direction: arXiv:1703.10593, equation 2."""

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        there, found = translator_of(context), split_of(context)
        back = self.other(context, there)
        total, count = 0.0, count_of(found, there.input)
        for part in torch.arange(count).split(BATCH):
            images = to_unit(as_uint8(found.fetch(there.input, part)))
            again = back(there(images.to(device_of(there)))).float().cpu().clamp(-1, 1)
            total += float((again - images).abs().mean((1, 2, 3)).sum()) / 2
        return {"mean": total / count}

    def other(self, context: EvaluationContext, there: Translator) -> Translator:
        """The translator of the other direction.

        Raises:
            UsageError: there is none.
        """
        for network in context.target.roles.values():
            if isinstance(network, Translator) and (network.input, network.output) == (there.output, there.input):
                return network
        raise UsageError(f"{self.spec.name}: {context.target.name} has no translator of the other direction.")
