"""How near a translator comes to the targets of paired data: PSNR and SSIM."""

import torch
from torch import Tensor

from ganzoo.data.base import Dataset
from ganzoo.data.derived.degrade import is_taken_apart
from ganzoo.errors import DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext, as_uint8
from ganzoo.metrics.measures.psnr import psnr, ssim
from ganzoo.models.interfaces import Translator
from ganzoo.models.translate import translate
from ganzoo.registry.specs import SECOND

MOST, BATCH = 1_000, 50
"""Pairs that are measured, the first ones of the split, and pairs at once."""


class PairsPSNR(Metric):
    """Peak signal-to-noise ratio of translated images to their targets, in dB, the mean over pairs."""

    def prepare(self, context: EvaluationContext) -> None:
        self.pairs(context)

    def pairs(self, context: EvaluationContext) -> Dataset:
        """The pairs that are measured: see :meth:`EvaluationContext.held_out`.

        Raises:
            DataError: the data set has no such pairs.
        """
        translator = context.target.translator
        assert translator is not None, "unsuitable() says so"
        found = context.held_out()
        if found.second and not is_taken_apart(found):
            raise DataError(f"{found.info.name!r} is unpaired: there are no targets to compare with.")
        for name in sides(translator):
            if name not in found.info.fields:
                raise DataError(f"{found.info.name!r} has no field {name!r}: {self.spec.name} compares with targets.")
        return found

    def score(self, images: Tensor, targets: Tensor) -> Tensor:
        """Of uint8 images [N, C, H, W] and their targets: [N]."""
        return psnr(images, targets, border=0)

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        translator, found = context.target.translator, self.pairs(context)
        assert translator is not None, "unsuitable() says so"
        scores = []
        for indices in torch.arange(min(MOST, len(found.source))).split(BATCH):
            inputs, targets = (as_uint8(found.fetch(name, indices)) for name in sides(translator))
            scores.append(self.score(translate(translator, inputs), targets))
        return {"mean": float(torch.cat(scores).mean())}


class PairsL1(PairsPSNR):
    """Mean absolute difference of translated images to their targets, as a share of the range of values; beside it
    that of the input as it is, where it has as many channels or is grey."""

    def score(self, images: Tensor, targets: Tensor) -> Tensor:
        return (images.float() - targets.float()).abs().mean((1, 2, 3)) / 255

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        found = super().measure(context)
        translator, pairs = context.target.translator, self.pairs(context)
        assert translator is not None, "unsuitable() says so"
        indices = torch.arange(min(MOST, len(pairs.source)))
        given, targets = (as_uint8(pairs.fetch(name, indices)) for name in sides(translator))
        if given.shape[2:] == targets.shape[2:] and given.shape[1] in (1, targets.shape[1]):
            found["input"] = float(self.score(given.expand_as(targets), targets).mean())
        return found


class PairsSSIM(PairsPSNR):
    """Structural similarity of translated images to their targets, the mean over pairs."""

    def score(self, images: Tensor, targets: Tensor) -> Tensor:
        return ssim(images, targets, border=0)


def sides(translator: Translator) -> tuple[str, str]:
    """The fields of paired data that a translator turns one into the other; pairs that it learns from as two sets have
    their second one as targets."""
    return tuple("target" if name.startswith(SECOND) else name for name in (translator.input, translator.output))  # type: ignore[return-value]  # two
