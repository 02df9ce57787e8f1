"""The extractor: uint8 images in, a tuple of features out, one for each of its layers."""

import torch
from torch import Tensor, nn

from ganzoo.plugin import Extractor, ExtractorRequest

LEVELS = 4
"""Of each of red, green and blue."""


class Histograms(nn.Module):
    """uint8 RGB images [N, 3, H, W] to the shares of their colours, float32 [N, 64]."""

    def forward(self, images: Tensor) -> tuple[Tensor]:
        red, green, blue = (images.long() * LEVELS // 256).flatten(2).unbind(1)
        colour = (red * LEVELS + green) * LEVELS + blue
        counts = torch.zeros(len(images), LEVELS**3, device=images.device)
        return (counts.scatter_add_(1, colour, torch.ones_like(colour, dtype=torch.float32)) / colour.shape[1],)


def load(request: ExtractorRequest) -> Extractor:
    """``identity`` is what its numbers depend on: features that are remembered on disk are known by it."""
    return Extractor(
        name=request.name,
        network=Histograms().to(request.device),
        layers=("features",),
        identity={"extractor": request.name, "levels": LEVELS},
        batch=500,
        device=request.device,
    )
