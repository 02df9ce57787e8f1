"""Low-resolution images, and how well a network undoes them: PSNR and SSIM on folders such as Set5."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganzoo.data.base import to_uint8, to_unit
from ganzoo.data.resize import convert_channels
from ganzoo.metrics.psnr import psnr, ssim

Enlarge = Callable[[Tensor], Tensor]
"""uint8 [N, C, H, W] to uint8 [N, C, scale H, scale W]."""


@dataclass(frozen=True)
class Benchmark:
    """Images to measure on, under a name: uint8 [C, H, W] each, sides multiples of the scale."""

    name: str
    images: tuple[Tensor, ...]


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


def measure(images: Iterable[Tensor], scale: int, enlarge: Enlarge) -> tuple[float, float]:
    """Mean (PSNR in dB, SSIM) over images, each made smaller and enlarged again; ``scale`` pixels of border removed."""
    scores = []
    for image in images:
        truth = image[None]
        small = rescaled(truth, truth.shape[-2] // scale, truth.shape[-1] // scale)
        result = enlarge(small)
        scores.append(torch.stack([psnr(result, truth, scale)[0], ssim(result, truth, scale)[0]]))
    means = torch.stack(scores).mean(0)
    return float(means[0]), float(means[1])
