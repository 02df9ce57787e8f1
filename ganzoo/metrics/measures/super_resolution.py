"""Low-resolution images, and how well a network undoes them: PSNR and SSIM on folders such as Set5."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.data.base import Dataset, digest, to_uint8, to_unit
from ganzoo.data.decode import as_stored, stored_shape
from ganzoo.data.resize import convert_channels
from ganzoo.data.sources.folder import open_folder
from ganzoo.errors import ConfigError, DataError
from ganzoo.metrics.base import Metric
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measures.psnr import psnr, ssim

TESTED = 100
"""Images of a data set's test split that are measured on; a folder is taken whole."""

Enlarge = Callable[[Tensor], Tensor]
"""uint8 [N, C, H, W] to uint8 [N, C, scale H, scale W]."""


@dataclass(frozen=True)
class Benchmark:
    """Images to measure on, decoded one at a time.

    Attributes:
        data: name of the data set.
        split: the part of it that is taken.
        count: how many images there are.
        images: gives them, uint8 [C, H, W] each, sides multiples of the scale.
    """

    data: str
    split: str
    count: int
    images: Callable[[], Iterator[Tensor]]


def rescaled(images: Tensor, height: int, width: int) -> Tensor:
    """uint8 [N, C, H, W] -> uint8 [N, C, height, width], bicubic with antialias, as MATLAB's ``imresize`` does."""
    scaled = interpolate(images.float(), size=(height, width), mode="bicubic", antialias=True, align_corners=False)
    return scaled.round_().clamp_(0, 255).to(torch.uint8)


def lowered(images: Tensor, scale: int) -> Tensor:
    """Images [N, C, H, W] in [-1, 1] made ``scale`` times smaller, in the 256 steps that an image file has."""
    small = rescaled(to_uint8(images), images.shape[-2] // scale, images.shape[-1] // scale)
    return to_unit(small).contiguous(memory_format=torch.channels_last)


def multiple(image: Tensor, scale: int) -> Tensor:
    """The image [C, H, W] without the last rows and columns that keep its sides from being multiples of the scale."""
    return image[:, : image.shape[1] // scale * scale, : image.shape[2] // scale * scale]


def least(scale: int) -> int:
    """Smallest side that can be measured: SSIM's window, and the border."""
    return 11 + 2 * scale


def of_folder(path: str, scale: int) -> Benchmark:
    """The images of a folder, each in its own size, grey or RGB.

    Raises:
        DataError: no such folder, no images, or one that is too small.
    """
    folder, listing = open_folder(path, least=1)
    files = [folder / file for file in listing.images]
    for file in files:
        if min(stored_shape(file)[1:]) // scale * scale < least(scale):
            raise DataError(f"{file} is too small to measure on: {least(scale)} pixels are needed each way.")
    return Benchmark(
        f"folder:{path}", "whole folder", len(files), lambda: (multiple(as_stored(file), scale) for file in files)
    )


def of_split(test: Dataset, scale: int) -> Benchmark:
    """The first images of a split.

    Raises:
        ConfigError: they are too small.
    """
    height, width = test.info.shape[1:]
    if min(height, width) // scale * scale < least(scale):
        raise ConfigError(
            f"images of {width}x{height} are too small to measure on: {least(scale)} pixels are needed each way; "
            "choose a larger resolution."
        )
    count = min(TESTED, len(test.source))
    return Benchmark(
        test.info.name,
        test.info.split,
        count,
        lambda: (multiple(test.source.fetch(torch.tensor([i]))[0].cpu(), scale) for i in range(count)),
    )


def bicubic(scale: int) -> Enlarge:
    """What every network is compared with."""
    return lambda small: rescaled(small, scale * small.shape[-2], scale * small.shape[-1])


def by_network(network: torch.nn.Module, channels: int) -> Enlarge:
    """A network of so many channels as a function on uint8 images, grey or RGB, on its own device."""
    device = next(network.parameters()).device

    def enlarge(small: Tensor) -> Tensor:
        result = to_uint8(network(to_unit(convert_channels(small, channels).to(device)))).cpu()
        return convert_channels(result, small.shape[1])

    return enlarge


Scores = tuple[float, float]
"""Mean PSNR in dB, and mean SSIM."""


def measure(benchmark: Benchmark, scale: int, enlarge: Enlarge) -> tuple[Scores, Scores, str]:
    """Each image made smaller and enlarged again, by ``enlarge`` and bicubically; ``scale`` pixels of border removed.

    Returns:
        Means of both, and the SHA-256 over the images.
    """
    plain, total = bicubic(scale), hashlib.sha256()
    scores = []
    for image in benchmark.images():
        total.update(digest(image).encode())
        truth = image[None]
        small = rescaled(truth, truth.shape[-2] // scale, truth.shape[-1] // scale)
        results = enlarge(small), plain(small)
        scores.append(torch.stack([score(r, truth, scale)[0] for r in results for score in (psnr, ssim)]))
    means = torch.stack(scores).mean(0).tolist()
    return (means[0], means[1]), (means[2], means[3]), total.hexdigest()


class PSNR(Metric):
    """Peak signal-to-noise ratio of enlarged images, beside that of bicubic enlargement."""

    which = 0

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        translator = context.target.translator
        if translator is not None and (translator.scale <= 1 or translator.scale != int(translator.scale)):
            return f"it compares with bicubic enlargement, and this network's scale is {translator.scale}"
        if context.against == context.trained and context.against.startswith("folder:"):
            return f"it would be measured on the images it learned from; write '{self.spec.name} vs folder:PATH'"
        return ""

    def prepare(self, context: EvaluationContext) -> None:
        self.benchmark(context)

    @torch.no_grad()
    def measure(self, context: EvaluationContext) -> dict[str, float]:
        network = context.target.translator
        assert network is not None, "unsuitable() says so"
        scale, benchmark = int(network.scale), self.benchmark(context)
        context.used["protocol"] = f"x{scale}, luma, border of {scale} removed, 8-bit low resolution"
        enlarge = by_network(network, context.target.shape[0])
        own, plain, total = context.shared("super-resolution", lambda: measure(benchmark, scale, enlarge))
        context.used["reference"] = {
            "data": benchmark.data, "digest": total, "splits": {benchmark.split: benchmark.count},
        }  # fmt: skip
        return {"mean": own[self.which], "bicubic": plain[self.which]}

    def benchmark(self, context: EvaluationContext) -> Benchmark:
        """The images to measure on: a folder whole, or the first of a test split."""
        assert context.target.translator is not None, "unsuitable() says so"
        scale = int(context.target.translator.scale)
        kind, _, path = context.against.partition(":")
        return of_folder(path, scale) if kind == "folder" else of_split(context.load("test"), scale)


class SSIM(PSNR):
    """Structural similarity of enlarged images, beside that of bicubic enlargement."""

    which = 1
