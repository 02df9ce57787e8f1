"""Weight normalisation and noise: the layers of arXiv:1606.03498's classifiers.

Weights are g w / |w| (arXiv:1602.07868, equation 2), and a first batch of data sets g and the bias so that every output
starts with mean 0 and a chosen standard deviation (section 3 there). In the hidden layers g is then left as it is: were
it trained, the classifier would grow its activations until the noise no longer counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear


class GaussianNoise(nn.Module):
    """Adds noise of this standard deviation while training."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, values: Tensor) -> Tensor:
        return values + self.std * torch.randn_like(values) if self.training else values


class Normalised(nn.Module):
    """A layer of normalised weights; a subclass says what is multiplied with them.

    Args:
        direction: the weights w before normalisation, [outputs, ...].
        train_length: whether g is trained.
        first_std: standard deviation of the outputs once :func:`calibrated` has seen data.
    """

    length: Tensor
    calibrating: bool = False

    def __init__(self, direction: Tensor, train_length: bool, first_std: float) -> None:
        super().__init__()
        self.direction = nn.Parameter(direction)
        self.bias = nn.Parameter(torch.zeros(len(direction)))
        self.first_std = first_std
        if train_length:
            self.length = nn.Parameter(torch.ones(len(direction)))
        else:
            self.register_buffer("length", torch.ones(len(direction)))

    def product(self, values: Tensor) -> Tensor:
        """What the layer computes of values [N, ...] with w itself: [N, outputs, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must implement product(values)")

    def forward(self, values: Tensor) -> Tensor:
        # Dividing the result by |w| instead of w is the same, and walks over N outputs instead of over all weights.
        result = self.product(values)
        shape = [1, -1] + [1] * (result.dim() - 2)
        size = self.direction.flatten(1).norm(dim=1)
        if self.calibrating:
            unit = (result / size.view(shape)).transpose(0, 1).flatten(1)
            spread = self.first_std / unit.std(1, unbiased=False).clamp_min(1e-6)
            self.length.data.copy_(spread)
            self.bias.data.copy_(-unit.mean(1) * spread)
        scale, bias = (self.length / size).view(shape), self.bias.view(shape)
        return torch.addcmul(bias.to(result.dtype), result, scale.to(result.dtype))


class NormalisedLinear(Normalised):
    """[N, inputs] to [N, outputs]."""

    def __init__(self, inputs: int, outputs: int, train_length: bool = False, first_std: float = 1.0) -> None:
        super().__init__(0.1 * torch.randn(outputs, inputs), train_length, first_std)

    def product(self, values: Tensor) -> Tensor:
        return linear(values, self.direction)


class NormalisedConv(Normalised):
    """[N, inputs, H, W] to [N, outputs, H', W']."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__(0.05 * torch.randn(outputs, inputs, kernel, kernel), train_length=False, first_std=1.0)
        self.stride, self.padding = stride, padding

    def product(self, values: Tensor) -> Tensor:
        return conv2d(values, self.direction, stride=self.stride, padding=self.padding)


@contextmanager
def calibrating(network: nn.Module) -> Iterator[None]:
    """Within it, a forward pass of data sets length and bias of every normalised layer on its way."""
    layers = [module for module in network.modules() if isinstance(module, Normalised)]
    for layer in layers:
        layer.calibrating = True
    try:
        with torch.no_grad():
            yield
    finally:
        for layer in layers:
            layer.calibrating = False
