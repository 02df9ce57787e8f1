"""What a translator's results are like, without looking at pairs: their distance to real images, and the way back."""

import torch
from torch import Tensor
from torch_fidelity.metric_kid import kernel_mmd

from ganzoo.data.base import Dataset, to_unit
from ganzoo.data.resize import convert_channels
from ganzoo.metrics.base import Metric
from ganzoo.metrics.cache import statistics
from ganzoo.metrics.context import EvaluationContext, as_uint8
from ganzoo.metrics.measures.features import frechet_distance
from ganzoo.models.interfaces import Translator, device_of
from ganzoo.models.translate import translate

BATCH = 50


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
        """Features [N, F] of real images, of translated ones, and of the inputs; computed once for all metrics."""
        found, extractor = context.held_out(), context.extractor(self.spec.extractor)
        context.used["extractor"] = extractor.identity
        return dict(context.shared(("translated", extractor.name), lambda: self.extracted(context, found)))

    def extracted(self, context: EvaluationContext, found: Dataset) -> dict[str, Tensor]:
        """What :meth:`features` gives, of the pairs or sets in ``found``."""
        translator, extractor = translator_of(context), context.extractor(self.spec.extractor)
        count = count_of(found, translator.input)
        parts = torch.arange(count).split(BATCH)
        made = (translate(translator, as_uint8(found.fetch(translator.input, part))) for part in parts)
        features = extractor.extract(made, count, "features of translations", context.progress, ("features",))
        return {
            "real": context.field_features(extractor, found, translator.output),
            "translated": features["features"],
            "input": context.field_features(extractor, found, translator.input),
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


class TranslatedColours(Metric):
    """How alike the colours of translated and of real images are: the overlap, 0 to 1, of their histograms of a and b
    in CIELAB, as figure 7 of arXiv:1611.07004 compares them. A mean of what is possible has narrower histograms.

    Grey results have the overlap 1 with grey targets.
    """

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        translator, found = translator_of(context), context.held_out()

        def of(field: str, change: bool) -> Tensor:
            total = torch.zeros(2, COLOURS)
            for part in torch.arange(count_of(found, field)).split(BATCH):
                images = as_uint8(found.fetch(field, part))
                total += histograms(translate(translator, images) if change else images)
            return total / total.sum(1, keepdim=True)

        real = of(translator.output, False)
        sides = {"overlap": of(translator.input, True), "input": of(translator.input, False)}
        return {name: float(each.minimum(real).sum(1).mean()) for name, each in sides.items()}


RIDGE = 0.1
"""How much weights cost, as a share of the number of samples, beside features of variance 1."""


class TranslatedLabels(TranslatedFrechet):
    """Share of translated images that a classifier of real ones puts into the class of their label, the idea of
    the FCN score of arXiv:1611.07004, section 3.3. Beside it that of the real images, which is what can be reached, and
    that of the images as they were.

    The classifier is linear, on the extractor's features: least squares with a ridge, fitted to the real images that
    were trained on.
    """

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        info = context.held_out().info
        return "" if info.classes and "labels" in info.fields else f"{info.name!r} has no labels"

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        trained = context.load("")
        features, found = self.features(context), context.held_out()
        field, extractor = translator_of(context).output, context.extractor(self.spec.extractor)
        count = count_of(trained, field)
        known = context.field_features(extractor, trained, field).double()
        mean, scale = known.mean(0), known.std(0).clamp(min=1e-6)
        known = with_bias((known - mean) / scale)
        labels = trained.fetch("labels", torch.arange(count)).cpu()
        targets = torch.nn.functional.one_hot(labels, len(trained.info.classes)).double()
        ridge = RIDGE * count * torch.eye(known.shape[1], dtype=torch.float64)
        weights = torch.linalg.solve(known.T @ known + ridge, known.T @ targets)
        context.used["samples"] = {"count": len(features["translated"]), "trained": count}

        def share(name: str) -> float:
            scores = with_bias((features[name].double() - mean) / scale) @ weights
            truth = found.fetch("labels", torch.arange(len(scores))).cpu()
            return float((scores.argmax(1) == truth).double().mean())

        return {"accuracy": share("translated"), "real": share("real"), "input": share("input")}


def with_bias(features: Tensor) -> Tensor:
    """Features [N, F] with a column of ones."""
    return torch.cat([features, features.new_ones(len(features), 1)], 1)


class TranslatedHues(Metric):
    """How many of the colours of real images are there in as many pixels of translated ones: the overlap, 0 to 1, of
    their histograms over a and b together, grey left out. A drawing without colours has 0.

    It is of all images together: whether the right picture has a colour is not looked at.
    """

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        translator, found = translator_of(context), context.held_out()

        def of(field: str, change: bool) -> Tensor:
            total = torch.zeros(COLOURS**2, dtype=torch.float64)
            for part in torch.arange(count_of(found, field)).split(BATCH):
                images = as_uint8(found.fetch(field, part))
                total += hues(translate(translator, images) if change else images)
            shares = total / total.sum()
            shares[GREY] = 0
            return shares

        real = of(translator.output, False)
        whole = float(real.sum().clamp(min=1e-12))
        sides = {"overlap": of(translator.input, True), "input": of(translator.input, False)}
        return {name: float(each.minimum(real).sum()) / whole for name, each in sides.items()}


COLOURS, MOST_COLOUR = 41, 102.5
"""Bins of a histogram of a or b, each 5 wide with 0 in the middle of one, and how far it reaches to both sides."""


def histograms(images: Tensor) -> Tensor:
    """How many pixels of uint8 images [N, C, H, W] have which a and which b in CIELAB: [2, COLOURS]."""
    lab = lab_of(convert_channels(images, 3)).clamp(-MOST_COLOUR, MOST_COLOUR)
    return torch.stack([torch.histc(lab[:, i], COLOURS, -MOST_COLOUR, MOST_COLOUR) for i in (1, 2)])


GREY = COLOURS * (COLOURS // 2) + COLOURS // 2
"""The cell of a histogram over a and b in which both are 0."""


def hues(images: Tensor) -> Tensor:
    """How many pixels of uint8 images [N, C, H, W] have which a and b, in cells of 5 x 5: [COLOURS squared]."""
    lab = lab_of(convert_channels(images, 3))
    a, b = (((lab[:, i] + MOST_COLOUR) / 5).long().clamp(0, COLOURS - 1).flatten() for i in (1, 2))
    return torch.bincount(COLOURS * a + b, minlength=COLOURS**2).double()


def lab_of(images: Tensor) -> Tensor:
    """uint8 sRGB images [N, 3, H, W] in CIELAB with white D65 (IEC 61966-2-1, CIE 15)."""
    values = images.float() / 255
    linear = torch.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    matrix = torch.tensor(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = torch.einsum("ij,njhw->nihw", matrix / matrix.sum(1, keepdim=True), linear)
    edge = (6 / 29) ** 3
    x, y, z = torch.where(xyz > edge, xyz.clamp(min=edge) ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


class TranslatedSharpness(Metric):
    """Mean absolute difference of neighbouring pixels of translated images, as a multiple of that of real ones: below 1
    they are more blurred, above 1 they have more edges or noise. The headline is how far this ratio is from 1; beside
    it the ratio, and that of the images as they were."""

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        translator, found = translator_of(context), context.held_out()

        def of(field: str, change: bool) -> float:
            total, count = 0.0, count_of(found, field)
            for part in torch.arange(count).split(BATCH):
                images = as_uint8(found.fetch(field, part))
                images = (translate(translator, images) if change else images).float()
                across, down = images.diff(dim=3).abs().mean((1, 2, 3)), images.diff(dim=2).abs().mean((1, 2, 3))
                total += float((across + down).sum())
            return total / count

        real = max(of(translator.output, False), 1e-6)
        ratio, before = of(translator.input, True) / real, of(translator.input, False) / real
        return {"difference": abs(ratio - 1), "ratio": ratio, "input": before}


class CycleError(Metric):
    """Mean absolute difference, as a share of the range of values, between an image and what comes back from the
    translator of the other direction: arXiv:1703.10593, equation 2."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        if self.other(context, translator_of(context)) is None:
            return f"{context.target.name} has no translator of the other direction"
        return ""

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        there, found = translator_of(context), context.held_out()
        back = self.other(context, there)
        assert back is not None, "unsuitable() says so"
        total, count = 0.0, count_of(found, there.input)
        for part in torch.arange(count).split(BATCH):
            images = to_unit(as_uint8(found.fetch(there.input, part)))
            again = back(there(images.to(device_of(there)))).float().cpu().clamp(-1, 1)
            total += float((again - images).abs().mean((1, 2, 3)).sum()) / 2
        return {"mean": total / count}

    def other(self, context: EvaluationContext, there: Translator) -> Translator | None:
        """The translator of the other direction, where there is one."""
        for network in context.target.roles.values():
            if isinstance(network, Translator) and (network.input, network.output) == (there.output, there.input):
                return network
        return None
