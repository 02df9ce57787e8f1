"""The state of an optimizer, read from a file: compared with what the optimizer itself makes before it is used.

Fused kernels walk raw memory. A moment of another size or type than its parameter would let a file read or write
outside of it.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

WAYS = ("capturable", "fused", "foreach")
"""Settings of torch's optimizers that say how they compute, not what."""
Values = dict[int, dict[str, Any]]
"""What an optimizer keeps of each parameter, by its number."""


def load_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor], saved: Mapping[str, Any]) -> None:
    """Fill an optimizer from tensors, by ``NUMBER/KEY``, and from the plain values of a checkpoint.

    Raises:
        ValueError, TypeError, KeyError, IndexError, AttributeError: they are not what this optimizer keeps.
    """
    values: Values = {int(index): dict(plain) for index, plain in saved["scalars"].items()}
    for key, tensor in tensors.items():
        number, _, name = key.partition("/")
        values.setdefault(int(number), {})[name] = tensor
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    template = made_by_a_step(optimizer) if values else {}
    for index, found in values.items():
        compare(index, found, template[index])
        for name, value in found.items():
            if isinstance(value, Tensor) and value.shape == parameters[index].shape:
                # It must lie in memory as its parameter does (channels last, say).
                found[name] = torch.empty_like(parameters[index], dtype=value.dtype).copy_(value)
    groups = []
    for was, now in zip(saved["groups"], optimizer.param_groups, strict=True):
        compare_groups(was, now)
        # How a step is computed is this process's: a run may go on where the saved way is not available.
        groups.append({**was, **{way: now[way] for way in WAYS if way in now}})
    optimizer.load_state_dict({"state": values, "param_groups": groups})


def made_by_a_step(optimizer: Optimizer) -> Values:
    """What a copy of the optimizer keeps after a step with gradients of zero."""
    twin = copy.deepcopy(optimizer)
    for group in twin.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    twin.step()
    found: Values = twin.state_dict()["state"]
    return found


def compare(index: int, found: Mapping[str, Any], template: Mapping[str, Any]) -> None:
    """Raise ValueError unless a parameter's values have the names, kinds, shapes and types of the template."""
    if found.keys() != template.keys():
        raise ValueError(f"parameter {index} has {sorted(found)}, and the optimizer keeps {sorted(template)}.")
    for name, expected in template.items():
        value = found[name]
        if isinstance(expected, Tensor) != isinstance(value, Tensor):
            raise ValueError(f"{name} of parameter {index} is a {type(value).__name__}.")
        if isinstance(expected, Tensor) and (value.shape, value.dtype) != (expected.shape, expected.dtype):
            raise ValueError(
                f"{name} of parameter {index} is {list(value.shape)} of {value.dtype}, and the optimizer keeps "
                f"{list(expected.shape)} of {expected.dtype}."
            )
        if not isinstance(expected, Tensor):
            compare_plain(f"{name} of parameter {index}", value, expected)


def compare_groups(was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise ValueError unless a group has the settings of this optimizer, each of its kind."""
    for key, value in now.items():
        if key == "params":
            if len(was[key]) != len(value):
                raise ValueError(f"it has {len(was[key])} parameters, not {len(value)}.")
        elif key not in WAYS:
            compare_plain(key, was[key], value)
    if unknown := sorted(was.keys() - now.keys() - {"initial_lr", "first_lr", "initial_betas"}):
        raise ValueError(f"it has the settings {', '.join(unknown)}, which this optimizer does not know.")


def compare_plain(name: str, value: Any, expected: Any) -> None:
    """Raise ValueError for a plain value of another kind."""
    numbers = (int, float, Tensor)
    if isinstance(expected, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(expected):
            raise ValueError(f"{name} = {value!r} is not a list of {len(expected)}.")
        for own, other in zip(value, expected, strict=True):
            compare_plain(name, own, other)
    elif isinstance(expected, bool) or expected is None:
        if value is not None and not isinstance(value, bool | int | float | str):
            raise ValueError(f"{name} = {value!r} is not a plain value.")
    elif isinstance(expected, numbers):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} = {value!r} is not a number.")
    elif type(value) is not type(expected):
        raise ValueError(f"{name} = {value!r} is not a {type(expected).__name__}.")
