"""Changes to a discriminator that any network can be given: they need its last layer, or all of its layers."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.config.settings import Tricks
from ganzoo.errors import ConfigError

Layer = nn.Linear | nn.Conv2d | nn.Conv3d


def fit(network: nn.Module, tricks: Tricks) -> nn.Module:
    """The discriminator as the settings want it, changed in place.

    Raises:
        ConfigError: the network has no single last layer that gives one logit a sample.
    """
    if tricks.minibatch_kernels or tricks.minibatch_std:
        name, layer = last_layer(network)
        outer, _, attribute = name.rpartition(".")
        setattr(network.get_submodule(outer), attribute, BatchHead(layer, tricks))
        if hasattr(network, "independent"):
            setattr(network, "independent", False)  # noqa: B010  # not every module has it; samples see each other: this is what the layer is for
    if tricks.freeze_d:
        freeze(network, tricks.freeze_d)
    if tricks.spectral_norm:
        for module in list(network.modules()):
            if isinstance(module, Layer | nn.ConvTranspose2d | nn.ConvTranspose3d):
                spectral_norm(module)
    return network


def freeze(network: nn.Module, count: int) -> None:
    """Take the first ``count`` layers with weights out of the training, each with the normalisation after it.

    Raises:
        ConfigError: there are no more than these.
    """
    weighted = [m for m in network.modules() if list(m.parameters(recurse=False))]
    total = sum(not is_norm(m) for m in weighted)
    if count >= total:
        raise ConfigError(f"freeze_d = {count}: {type(network).__name__} has {total} layers, leave at least one.")
    seen = 0
    for layer in weighted:
        seen += not is_norm(layer)
        if seen > count:
            return
        layer.requires_grad_(False)


def is_norm(module: nn.Module) -> bool:
    """Whether it normalises, which goes with the layer before it."""
    return "Norm" in type(module).__name__


def last_layer(network: nn.Module) -> tuple[str, Layer]:
    """(name, layer) of the linear or convolutional layer that gives the logits.

    A network declares it as its single one of ``heads``; otherwise the last layer is taken.

    Raises:
        ConfigError: there are several heads, or the layer gives more than one number.
    """
    unusable = "minibatch_kernels, minibatch_std and feature_matching cannot be used with it."
    layers = {name: m for name, m in network.named_modules() if isinstance(m, Layer)}
    declared = tuple(getattr(network, "heads", ()))
    single = [name for name, layer in layers.items() if outputs_of(layer) == 1]
    if len(declared) > 1 or (not declared and len(single) > 1):
        raise ConfigError(
            f"{type(network).__name__} has several heads ({', '.join(declared or single)}), and these work on a "
            f"single last layer: {unusable}"
        )
    name = declared[0] if declared else next(reversed(layers), "")
    if name not in layers and f"{name}.layer" in layers:
        name = f"{name}.layer"  # of a BatchHead, which took the declared one's place
    layer = layers.get(name)
    if layer is None or outputs_of(layer) != 1:
        outputs = 0 if layer is None else outputs_of(layer)
        raise ConfigError(
            f"{type(network).__name__} has no last layer that gives one logit ({name or 'none'} gives {outputs}): "
            f"{unusable}"
        )
    return name, layer


def outputs_of(layer: Layer) -> int:
    """How many numbers, or maps, a layer gives."""
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


@contextmanager
def last_features(network: nn.Module) -> Iterator[list[Tensor]]:
    """Collects what goes into the last layer at every call: what feature matching matches."""
    seen: list[Tensor] = []
    handle = last_layer(network)[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        handle.remove()


class BatchHead(nn.Module):
    """A last layer that also sees how much the samples of a batch differ.

    Features [N, A] or maps [N, A, h, w] in, with statistics over the batch appended, to what ``layer`` gave. In
    training and everywhere else, real and generated samples must come in batches of their own.
    """

    def __init__(self, layer: Layer, tricks: Tricks) -> None:
        super().__init__()
        # A convolution that gives one logit covers its whole input, so its kernel tells the number of features.
        features = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels * prod(layer.kernel_size)
        self.kernels = tricks.minibatch_kernels
        self.std = tricks.minibatch_std
        if self.kernels:
            self.tensor = nn.Parameter(torch.randn(features, self.kernels * tricks.minibatch_dim) / features**0.5)
        self.layer = widened(layer, self.kernels + self.std)

    def forward(self, features: Tensor) -> Tensor:
        added = []
        if self.kernels:
            added.append(self.closeness(features.flatten(1)))
        if self.std:
            spread = features.flatten(1).float().var(0, unbiased=False).add(1e-8).sqrt().mean()
            added.append(spread.expand(len(features), 1))
        for values in added:
            maps = values.to(features.dtype)
            if features.dim() > 2:
                maps = maps[(..., *[None] * (features.dim() - 2))].expand(-1, -1, *features.shape[2:])
            features = torch.cat([features, maps], dim=1)
        return self.layer(features)

    def closeness(self, features: Tensor) -> Tensor:
        """o(x) [N, B] of arXiv:1606.03498, section 3.2: sums over the *other* samples of exp(-L1 distance)."""
        rows = (features @ self.tensor).float().view(len(features), self.kernels, -1)
        distance: Tensor = Distances.apply(rows.transpose(0, 1).contiguous())
        return torch.exp(-distance).sum(2).t() - 1  # a sample's closeness to itself is exp(0)


class Distances(Function):
    """L1 distances [B, N, N] between the rows of each of B matrices [B, N, C].

    The library's own gradient of these distances has no gradient, which penalties on D's gradient need: there, and only
    there, the same numbers come from plain arithmetic, at five times the cost.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return torch.cdist(rows, rows, p=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        both = gradients[0] + gradients[0].transpose(1, 2)  # each row is on the left of N distances, and on the right
        if torch.is_grad_enabled():  # the backward of a backward was requested
            return (both[..., None] * torch.sign(rows[:, :, None] - rows[:, None])).sum(2)
        with torch.enable_grad():
            left = rows.detach().requires_grad_()
            return torch.autograd.grad(torch.cdist(left, rows, p=1), left, both)[0]


def widened(layer: Layer, extra: int) -> Layer:
    """The same layer with ``extra`` more inputs, whose weights start small."""
    wide = copy.deepcopy(layer)
    if isinstance(wide, nn.Linear):
        wide.in_features += extra
    else:
        wide.in_channels += extra
    outputs, _, *kernel = layer.weight.shape
    added = 0.02 * torch.randn(outputs, extra, *kernel)
    wide.weight = nn.Parameter(torch.cat([layer.weight.detach(), added], dim=1))
    return wide
