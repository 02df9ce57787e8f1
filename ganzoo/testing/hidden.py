"""Weights that no optimizer and no checkpoint sees."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.testing.common import require


def check_hidden(variant: Variant, state: State) -> None:
    """No parameter that wants a gradient hides in a list, a dictionary or a plain attribute.

    A frozen network may, a feature extractor for example: it is not trained.
    """
    known = {id(p) for network in state.networks.values() for p in network.parameters()}
    owners: list[tuple[str, Any]] = [("the variant", variant)]
    for name, network in state.networks.items():
        owners += [
            (f"{'module ' + repr(path) + ' of ' if path else ''}network {name!r}", module)
            for path, module in network.named_modules()
        ]
    for owner, each in owners:
        for attribute, value in vars(each).items():
            if isinstance(each, nn.Module) and attribute in ("_parameters", "_modules", "_buffers"):
                continue
            hidden = any(p.requires_grad and id(p) not in known for p in parameters_in(value, set()))
            require(
                not hidden,
                f"every parameter is registered in a network; attribute {attribute!r} of {owner} hides some from "
                "optimizers and checkpoints (use nn.ModuleList, nn.ModuleDict or nn.ParameterList)",
            )


def parameters_in(value: Any, seen: set[int]) -> Iterator[nn.Parameter]:
    """Parameters in nested containers and modules."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, nn.Parameter):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.parameters()
    elif isinstance(value, dict):
        for each in value.values():
            yield from parameters_in(each, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from parameters_in(each, seen)
