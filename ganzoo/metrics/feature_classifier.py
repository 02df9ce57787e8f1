"""Small classifiers whose features stand in for Inception's within one data set.

benchmarks/feature_classifiers.py trains them.
The form is that of the nine-layer residual networks known from fast training on CIFAR-10, as narrow as the data allows.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.runtime.tensor_files import fill, read_tensors

SHIPPED = Path(__file__).parent / "weights"
"""Where the trained ones lie, one safetensors file and one card for each data set."""
POOL: dict[int, Any] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


class FeatureClassifier(nn.Module):
    """Images [N, C, H, W] in [-1, 1], sides at least 16, to features [N, 8 width] and logits [N, classes].

    Args:
        channels: 1 or 3.
        classes: number of classes.
        width: maps of the first layer; the last has eight times as many.
        dimensions: 3 for voxels [N, C, D, H, W].
    """

    def __init__(self, channels: int, classes: int, width: int, dimensions: int = 2) -> None:
        super().__init__()
        w, d, pool = width, dimensions, POOL[dimensions]
        self.body = nn.Sequential(
            convolution(channels, w, d),
            convolution(w, 2 * w, d), pool(2), Residual(2 * w, d),
            convolution(2 * w, 4 * w, d), pool(2),
            convolution(4 * w, 8 * w, d), pool(2), Residual(8 * w, d),
        )  # fmt: skip
        self.last = nn.Linear(8 * w, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(features [N, 8 width], which the last layer sees, logits [N, classes])."""
        features = self.body(images).flatten(2).mean(2)
        return features, self.last(features)


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, maps: int, dimensions: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(convolution(maps, maps, dimensions), convolution(maps, maps, dimensions))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.inner(maps)


def convolution(inputs: int, outputs: int, dimensions: int) -> nn.Sequential:
    """3x3 or 3x3x3, batch normalisation, ReLU."""
    layer, norm = (nn.Conv2d, nn.BatchNorm2d) if dimensions == 2 else (nn.Conv3d, nn.BatchNorm3d)
    return nn.Sequential(layer(inputs, outputs, 3, padding=1, bias=False), norm(outputs), nn.ReLU(inplace=True))


def shipped() -> list[str]:
    """Names of the data sets that a trained feature classifier comes with."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def load_classifier_of(path: Path) -> tuple[FeatureClassifier, dict[str, Any]]:
    """(network in eval mode on the CPU, header) of a file that benchmarks/feature_classifiers.py wrote.

    Raises:
        CheckpointError: no such file, or damaged.
    """
    tensors, header = read_tensors(path)
    with torch.random.fork_rng(devices=[]):  # building draws weights; the caller's generator is not ours to move
        network = FeatureClassifier(header["channels"], header["classes"], header["width"], len(header["shape"]) - 1)
    fill(network, tensors, path, "feature classifier")
    return network.eval().requires_grad_(False), header
