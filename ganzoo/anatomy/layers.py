"""The layers of a network as a short list: what each does, and the shape of what it gives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize

MOST = 0.5
"""A block that holds more than this share of a network's parameters is shown by its parts."""
BOXES = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
"""Modules that only hold others."""
NORM = re.compile(r"Norm(\dd)?$")
"""How the names of normalisations end."""


@dataclass(frozen=True)
class Layer:
    """One line of the list.

    Attributes:
        label: in words, such as ``"Conv 4×4 /2 · BatchNorm · ReLU"``.
        shape: of one sample behind it.
        parameters: how many it has.
        times: how many of these follow each other, all alike.
    """

    label: str
    shape: tuple[int, ...]
    parameters: int
    times: int = 1


def parameters(module: nn.Module) -> int:
    """How many it has; those that several of its layers share count once."""
    return sum(p.numel() for p in module.parameters())


def units(module: nn.Module, whole: int) -> Iterator[nn.Module]:
    """The modules that have a line each, in the order of their definition: single layers, and blocks of them.

    Args:
        whole: parameters of the network.
    """
    for child in module.children():
        single = next(child.children(), None) is None or parametrize.is_parametrized(child)
        if not single and (isinstance(child, BOXES) or parameters(child) > MOST * whole):
            yield from units(child, whole)
        else:
            yield child


def label(module: nn.Module) -> str:
    """A layer in words: kernel, stride (``/2`` makes smaller, ``×2`` larger), or the name of its class."""
    name = type(module).__name__.removeprefix("Parametrized")
    name = name.removesuffix("1d").removesuffix("2d").removesuffix("3d")
    if isinstance(module, nn.modules.conv._ConvNd):
        enlarges = isinstance(module, nn.modules.conv._ConvTransposeNd)
        stride = max(module.stride)
        changed = f" {'×' if enlarges else '/'}{stride}" if stride > 1 else ""
        return f"{'ConvT' if enlarges else 'Conv'} {'×'.join(map(str, module.kernel_size))}{changed}"
    if isinstance(module, nn.RNNBase):
        layers = f" {module.num_layers} layers" if module.num_layers > 1 else ""
        return f"{name}{layers}{', both ways' if module.bidirectional else ''}"
    return name


def follows(module: nn.Module) -> bool:
    """Whether it stands in the line of the layer before it: activations, normalisations and what has no weights."""
    return not parameters(module) or isinstance(module, nn.PReLU) or bool(NORM.search(type(module).__name__))


def listed(seen: list[tuple[nn.Module, tuple[int, ...]]]) -> list[Layer]:
    """The lines of what was seen in a call: (module, shape of one sample behind it), in the order of the calls."""
    lines: list[Layer] = []
    for module, shape in seen:
        text, own = label(module), parameters(module)
        if lines and (follows(module) or not lines[-1].parameters):
            last = lines[-1]
            text = last.label if text in last.label.split(" · ") else f"{last.label} · {text}"
            lines[-1] = replace(last, label=text, shape=shape, parameters=last.parameters + own)
        else:
            lines.append(Layer(text, shape, own))
    found = []
    for (text, shape), alike in groupby(lines, lambda line: (line.label, line.shape)):
        each = list(alike)
        found.append(Layer(text, shape, sum(line.parameters for line in each), len(each)))
    return found


def shape_of(result: Any) -> tuple[int, ...] | None:
    """Of one sample in what a module gives; None where it gives no tensor."""
    if isinstance(result, tuple | list):
        return next((shape for each in result if (shape := shape_of(each)) is not None), None)
    return tuple(result.shape[1:]) if isinstance(result, Tensor) and result.dim() else None
