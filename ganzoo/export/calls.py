"""How a network of each kind is called once it has left home: its inputs, their free sides, numbers to try it on."""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.config.fields import build
from ganzoo.data.base import DataInfo
from ganzoo.errors import ExportError, UsageError, describe
from ganzoo.models.conditions import (
    AttributeCondition,
    ClassCondition,
    CodeCondition,
    Condition,
    EmbeddingCondition,
    ImageCondition,
    TextCondition,
    VectorCondition,
)
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator
from ganzoo.runs.trained import input_channels

BATCHES = (1, 3, 8)
"""Batch sizes at which an export is compared with PyTorch."""
SIDE = 16
"""Pixels of the images that a translator is tried on, at least."""
FREE = {"N": "batch", "H": "height", "W": "width"}

Shape = tuple[int | str, ...]


class Alone(nn.Module):
    """A network that takes one tensor."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, values: Tensor) -> Tensor:
        return self.network(values).float()


class Told(Alone):
    """A network that takes a condition beside."""

    def forward(self, values: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        return self.network(values, condition).float()


class Drawn(Alone):
    """A generator as :meth:`Generator.sample` uses it, with fixed settings of sampling."""

    def __init__(self, network: Generator, chosen: Any) -> None:
        super().__init__(network)
        self.chosen = chosen

    def forward(self, values: Tensor) -> Tensor:
        return self.network.generate(values, None, self.chosen).float()  # type: ignore[operator]


class DrawnTold(Drawn):
    """The same with a condition."""

    def forward(self, values: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        return self.network.generate(values, condition, self.chosen).float()  # type: ignore[operator]


@dataclass(frozen=True)
class Call:
    """What is exported, and how it is called.

    Attributes:
        module: called with the inputs in their order, gives the output.
        names: of the inputs; ``output`` of the output.
        shapes: of the inputs; ``"N"`` is the batch, ``"H"`` and ``"W"`` are sides that are multiples of ``unit``.
        inputs: ``inputs(n, trial)`` are ``n`` rows of numbers to try it on, a function of both.
        sides: height and width of the images that a translator was trained on.
        settings: of sampling, those that are not as by default; they are part of the module.
    """

    module: nn.Module
    names: tuple[str, ...]
    output: str
    shapes: tuple[Shape, ...]
    inputs: Callable[[int, int], tuple[Tensor, ...]]
    unit: int = 1
    sides: tuple[int, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> Tensor:
        """What PyTorch gives."""
        return self.module(*inputs)

    @property
    def free_sides(self) -> bool:
        """Whether it takes images of several sizes."""
        return any("H" in shape for shape in self.shapes)

    def dynamic(self) -> tuple[dict[int, Any], ...]:
        """The free dimensions as torch.export names them."""
        dims: dict[int | str, Any] = {"N": torch.export.Dim("batch")}
        for letter in "HW":
            name = FREE[letter]
            dims[letter] = torch.export.Dim(name) if self.unit == 1 else self.unit * torch.export.Dim(f"{name}_units")
        return tuple({i: dims[side] for i, side in enumerate(shape) if side in dims} for shape in self.shapes)


def call_of(network: nn.Module, data: DataInfo, settings: Mapping[str, str] = MappingProxyType({})) -> Call:
    """How a trained network is called.

    Args:
        settings: of sampling, as typed; only a generator has some.

    Raises:
        UsageError: a setting that the network does not have, that is out of range, or that changes nothing.
        ExportError: a network of a kind that has no call, or that draws random numbers when it is used.
    """
    if isinstance(network, Scorer) and network.searches:
        raise ExportError("this scorer searches a latent for every image by gradient descent, which no exported "
                          "program can hold: use its run or its weights file with 'ganzoo score'.")  # fmt: skip
    network = copy.deepcopy(network).cpu().float().eval().requires_grad_(False)
    if settings and not (isinstance(network, Generator) and dataclasses.fields(network.Sampling)):
        key, text = next(iter(settings.items()))
        raise UsageError(f"-s {key}={text}: this network has no sampling settings.")
    if isinstance(network, Generator):
        call = generator_call(network, settings)
    elif isinstance(network, Translator):
        call = translator_call(network, data)
    elif isinstance(network, Encoder | Classifier | Scorer):
        outputs = ((Encoder, "latents"), (Classifier, "logits"), (Scorer, "scores"))
        output = next(name for kind, name in outputs if isinstance(network, kind))
        shape: Shape = ("N", *data.shape)
        call = Call(Alone(network), ("samples",), output, (shape,), lambda n, trial: (noise(trial, n, *data.shape),))
    else:
        raise ExportError(f"a {type(network).__name__} neither samples, translates, encodes, classifies nor scores.")
    call.module.eval()
    refuse_random(call)
    if isinstance(network, Generator) and call.settings:
        refuse_idle(call, generator_call(network, {}))
    return call


def generator_call(network: Generator, settings: Mapping[str, str]) -> Call:
    """Latents, and what the generator is told.

    Raises:
        UsageError: a setting that the generator does not have, or that is out of range.
    """
    told = network.condition
    chosen, usual = build(network.Sampling, {}, settings), build(network.Sampling, {})
    values = {key: getattr(chosen, key) for key in settings if getattr(chosen, key) != getattr(usual, key)}

    def inputs(n: int, trial: int) -> tuple[Tensor, ...]:
        rng = torch.Generator().manual_seed(trial)
        latents = network.latents(n, rng)
        return (latents,) if told.is_none else (latents, tried(told, n, trial))

    shape: Shape = ("N", network.latent_dim)
    if told.is_none:
        return Call(Drawn(network, chosen), ("latents",), "samples", (shape,), inputs, settings=values)
    rest: Shape = ("N", *inputs(2, 0)[1].shape[1:])
    names = "latents", condition_name(told)
    return Call(DrawnTold(network, chosen), names, "samples", (shape, rest), inputs, settings=values)


def condition_name(told: Condition) -> str:
    """What the input of a condition is called."""
    names = {
        ClassCondition: "labels",
        AttributeCondition: "attributes",
        EmbeddingCondition: "embeddings",
        CodeCondition: "codes",
        ImageCondition: "images",
        TextCondition: "text",
    }
    return next((name for kind, name in names.items() if isinstance(told, kind)), "condition")


def tried(told: Condition, n: int, trial: int) -> Tensor:
    """``n`` conditions to try a network on.

    Raises:
        ExportError: a plugin's own condition that draws none.
    """
    if isinstance(told, ImageCondition):
        return noise(trial, n, *told.shape)
    if isinstance(told, VectorCondition) and not isinstance(told, CodeCondition):
        return noise(trial, n, told.length)
    found = told.draw(n, torch.Generator().manual_seed(trial))
    if found is None:
        raise ExportError(f"a {type(told).__name__} draws no conditions: there is nothing to try the export on.")
    return found


def translator_call(network: Translator, data: DataInfo) -> Call:
    """Images, of any size where torch.export can follow, and a class where the network takes one."""
    channels = input_channels(network, data)
    unit = lcm(network.multiple, Fraction(network.scale).denominator)
    side = -(-SIDE // unit) * unit

    def inputs(n: int, trial: int) -> tuple[Tensor, ...]:
        grown = unit * (trial % 3)  # other sizes in other trials
        images = noise(trial, n, channels, side + grown, side + unit + grown)
        return (images, torch.arange(n) % network.classes) if network.classes else (images,)

    scale = Fraction(network.scale) if network.output == "images" else 1  # the data are what it gives
    sides = tuple(int(side / scale) for side in data.shape[1:])
    shape: Shape = ("N", channels, "H", "W")
    if network.classes:
        return Call(Told(network), ("images", "labels"), "result", (shape, ("N",)), inputs, unit, sides)
    return Call(Alone(network), ("images",), "result", (shape,), inputs, unit, sides)


def with_fixed_sides(call: Call) -> Call:
    """The same for images of one size: that of its training, or the next larger one that suits the network."""
    sides = [max(call.unit, -(-side // call.unit) * call.unit) for side in call.sides]
    shapes = (("N", call.shapes[0][1], *sides), *call.shapes[1:])

    def inputs(n: int, trial: int) -> tuple[Tensor, ...]:
        rest = call.inputs(n, trial)[1:]
        return (noise(trial, n, *(int(side) for side in shapes[0][1:])), *rest)

    return replace(call, shapes=shapes, inputs=inputs)


def frozen(call: Call) -> Call:
    """The same with every whole number that the network keeps (a level, a share) as a constant.

    A network that asks a tensor for a number (``int(self.level)``) decides by it what it computes. torch.export cannot
    follow that; when the network is used the number no longer changes.
    """
    module = copy.deepcopy(call.module)
    for part in module.modules():
        for name, value in list(part.named_buffers(recurse=False)):
            if value.dim() == 0 and not value.is_floating_point() and name != "num_batches_tracked":
                delattr(part, name)
                setattr(part, name, value.item())
    return replace(call, module=module)


def refuse_random(call: Call) -> None:
    """Raise ExportError where equal inputs give other outputs, or the network cannot be called at all."""
    inputs = call.inputs(2, 0)
    try:
        with torch.random.fork_rng(devices=[]):
            found = []
            for seed in range(2):
                torch.manual_seed(seed)
                found.append(call(*inputs))
    except Exception as error:  # a plugin's code
        raise ExportError(f"the network cannot be called: {describe(error)}") from error
    if not bool(found[0].isfinite().all()):
        raise ExportError("the network gives values that are not finite: there is nothing to compare an export with.")
    if not torch.equal(*found):
        raise ExportError("the network draws random numbers whenever it is used: no file could give the same samples.")


def refuse_idle(call: Call, usual: Call) -> None:
    """Raise UsageError where settings of sampling do not change what the network computes.

    Those that choose conditions do not: the condition is an input of what is exported.
    """
    inputs = call.inputs(4, 0)
    if torch.equal(call(*inputs), usual(*inputs)):
        said = ", ".join(f"{key}={value}" for key, value in call.settings.items())
        inputs_text = " and ".join(call.names)
        raise UsageError(f"-s {said} changes nothing of an export, which is called with {inputs_text}.")


def noise(seed: int, *shape: int) -> Tensor:
    """Numbers in [-1, 1]."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
