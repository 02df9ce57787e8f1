"""How near a translator comes to the targets of paired data: PSNR and SSIM."""

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, to_uint8
from ganzoo.errors import DataError, SplitMissingError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measures.psnr import psnr, ssim
from ganzoo.models.translate import translate

MOST, BATCH = 1_000, 50
"""Pairs that are measured, the first ones of the split, and pairs at once."""


class PairsPSNR(Metric):
    """Peak signal-to-noise ratio of translated images to their targets, in dB, the mean over pairs."""

    def prepare(self, context: EvaluationContext) -> None:
        self.pairs(context)

    def pairs(self, context: EvaluationContext) -> Dataset:
        """The test split, or where there is none the pairs that were trained on; which one stands in the result.

        Raises:
            DataError: the data set has no such pairs.
        """
        translator = context.target.translator
        assert translator is not None, "unsuitable() says so"
        try:
            found = context.load("test")
        except SplitMissingError:
            found = context.load("")
        for name in (translator.input, translator.output):
            if name not in found.info.fields:
                raise DataError(f"{found.info.name!r} has no field {name!r}: {self.spec.name} compares with targets.")
        if translator.output.startswith("second."):
            raise DataError(f"{found.info.name!r} is unpaired: there are no targets to compare with.")
        info = found.info
        context.used["reference"] = {"data": info.name, "digest": info.digest, "splits": {info.split: info.count}}
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
            inputs, targets = (as_uint8(found.fetch(name, indices)) for name in (translator.input, translator.output))
            scores.append(self.score(translate(translator, inputs), targets))
        return {"mean": float(torch.cat(scores).mean())}


class PairsSSIM(PairsPSNR):
    """Structural similarity of translated images to their targets, the mean over pairs."""

    def score(self, images: Tensor, targets: Tensor) -> Tensor:
        return ssim(images, targets, border=0)


def as_uint8(images: Tensor) -> Tensor:
    """Images as they are stored, or in [-1, 1], as uint8 on the CPU."""
    return images.cpu() if images.dtype == torch.uint8 else to_uint8(images).cpu()
