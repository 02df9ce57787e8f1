"""Begin with the networks of another run, or of a weights file: fine-tuning."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import RunError, UsageError
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.runs.checkpoint import newest_sound
from ganzoo.runs.run import checkpoints
from ganzoo.runs.shipped import located
from ganzoo.runs.weights import describe_weights, weights_in
from ganzoo.runtime.tensor_files import below, read_tensors

NAMED = 4
"""Tensors of another shape that a message names; it counts the others."""


@dataclass(frozen=True)
class Origin:
    """What is begun with.

    Attributes:
        path: the file it was read from.
        networks, averages: tensors of each network, and of its moving average, by name.
    """

    path: Path
    networks: Mapping[str, Mapping[str, Tensor]]
    averages: Mapping[str, Mapping[str, Tensor]]


def check_origin(text: str) -> None:
    """Refuse a path where nothing is, before any data is read.

    Raises:
        RunError: no such run or file.
    """
    path = weights_in(located(text))
    if not path.exists():
        raise RunError(f"init_from = {text}: no such run or weights file.")
    if path.is_dir() and not checkpoints(path):
        raise RunError(f"init_from = {text}: no run with a checkpoint, and no weights file.")


def read_origin(text: str) -> Origin:
    """The newest sound checkpoint of a run, all networks of it; or the one network of a weights file.

    Raises:
        RunError: nothing is there.
        CheckpointError: it is damaged.
    """
    check_origin(text)
    path = weights_in(located(text))
    if not path.is_dir():
        name = describe_weights(path)[0]["network"]
        tensors = read_tensors(path)[0]
        return Origin(path, {name: tensors}, {name: tensors})
    path = newest_sound(checkpoints(path))[0]
    tensors = read_tensors(path)[0]

    def of(part: str) -> dict[str, dict[str, Tensor]]:
        own = below(tensors, f"{part}/")
        return {name: below(own, f"{name}/") for name in dict.fromkeys(key.partition("/")[0] for key in own)}

    return Origin(path, of("networks"), of("ema"))


@torch.no_grad()
def begin_with(origin: Origin, state: State, variant: Variant) -> tuple[dict[str, Any], str]:
    """Copy what fits into the networks and their averages; the rest stays as it was drawn.

    Tensors fit that have the same network, the same name and the same shape.

    Returns:
        What was taken, for ``run.json``: the file, and for each network how many of its tensors; and a sentence on what
        was not, for the user, or nothing.

    Raises:
        UsageError: nothing fits.
    """
    taken: dict[str, str] = {}
    other: list[str] = []
    count = 0
    for name, network in state.networks.items():
        found, own = origin.networks.get(name, {}), network.state_dict()
        fits = {key: value for key, value in own.items() if key in found and found[key].shape == value.shape}
        for key, value in fits.items():
            value.copy_(found[key])
        if name in state.ema:
            averages = origin.averages.get(name, found)
            for key, value in state.ema[name].state_dict().items():
                if key in fits:
                    value.copy_(averages.get(key, found[key]))
        taken[name], count = f"{len(fits)} of {len(own)}", count + len(fits)
        other += [
            f"{key} of {name} ({size(found[key])} there, {size(value)} here)"
            for key, value in own.items()
            if key in found and found[key].shape != value.shape
        ]
        if not found:
            other.append(f"all of {name}, which is not there")
        elif missing := [key for key in own if key not in found]:
            other.append(f"{len(missing)} tensors of {name} that are not there, such as {missing[0]}")
    if not count:
        names = ", ".join(origin.networks)
        raise UsageError(
            f"init_from = {origin.path}: nothing there fits variant {variant.config.variant!r}; it holds {names}."
        )
    told = ""
    if other:
        more = f", and {len(other) - NAMED} more" if len(other) > NAMED else ""
        told = f"begun with {origin.path.name}, but not with {', '.join(other[:NAMED])}{more}: these begin anew."
    return {"file": str(origin.path), "tensors": taken}, told


def size(tensor: Tensor) -> str:
    """A shape as text."""
    return "x".join(map(str, tensor.shape)) or "one number"
