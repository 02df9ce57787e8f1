"""Does a variant compute where its training runs? Told on any machine: the CPU is taken for another device."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from ganzoo.errors import PluginError
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.testing.common import line_of_plugin

HOST, TRAINING = torch.device("cpu"), torch.device("cpu", 0)
"""``x.device`` is the second one for all that lies where the training runs. torch takes it for the CPU, which it is."""

ACROSS = ("__getitem__", "__setitem__", "copy_", "__set__", "backward")
"""What torch lets act on tensors of two devices."""


class Devices(TorchFunctionMode):
    """While it is active every tensor has a place: that of the training, or the host.

    The host is where a tensor lies that is made without ``device=``, that ``.cpu()`` gives, or that no network holds
    as a parameter or a buffer. Mixing both places is what fails on a GPU, and is an error here. As on a GPU, single
    numbers may be mixed, and indices.

    Args:
        where: what is being run, for messages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.where = ""
        self._host = WeakIdKeyDictionary()  # tensor -> where it was made

    @contextmanager
    def watching(self, where: str) -> Iterator[None]:
        """Within it, what is computed is watched."""
        self.where = where
        with self:
            yield

    def on_host(self, tensor: Tensor) -> bool:
        """Whether it would lie on the CPU."""
        return tensor in self._host

    def require_here(self, tensor: Tensor, what: str) -> None:
        """Raise PluginError for a result that does not lie where the training runs."""
        if self.on_host(tensor):
            self._fail(f"{what} lies on the CPU instead of the training's device", tensor)

    def hold_on_host(self, tensor: Tensor, what: str) -> None:
        """From now on it counts as one of the host."""
        self._host[tensor] = what

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name == "__get__" and getattr(func, "__self__", None) is Tensor.device:
            return HOST if self.on_host(args[0]) else TRAINING
        if func in (Tensor.to, Tensor.cpu):
            return self._moved(func, args, named)
        place = named.get("device")
        if place is not None:
            named["device"] = HOST
        given = [leaf for leaf in tree_leaves((args, named)) if isinstance(leaf, Tensor)]
        self._check_together(name, given)
        result = func(*args, **named)
        if name == "__set__":  # of .data: the parameter is where its new values are
            self._put(args[0], self.on_host(args[1]) if isinstance(args[1], Tensor) else False)
            return result
        if place is not None:
            on_host = not is_training(place)
        elif name in ACROSS:
            on_host = self.on_host(args[0]) if isinstance(args[0], Tensor) else False
        else:
            on_host = all(self.on_host(tensor) for tensor in given)  # none: it was made here, without a device
        for made in tree_leaves(result):
            if isinstance(made, Tensor) and not any(made is tensor for tensor in given):
                self._put(made, on_host)
        return result

    def _check_together(self, name: str, given: list[Tensor]) -> None:
        """What is on the host may not meet what is where the training runs."""
        if name in ACROSS:
            return
        large = [tensor for tensor in given if self.on_host(tensor) and tensor.dim()]
        if large and not all(self.on_host(tensor) for tensor in given):
            self._fail(f"mixes devices in {name}()", large[0])

    def _moved(self, func: Callable[..., Any], args: Any, named: dict[str, Any]) -> Tensor:
        """``tensor.to(...)`` and ``tensor.cpu()``."""
        tensor, *rest = args
        target = named.pop("device", None)
        others: list[Any] = []
        for value in rest:
            if isinstance(value, str | torch.device):
                target = value
            elif isinstance(value, Tensor):
                target = HOST if self.on_host(value) else TRAINING
                others.append(value.dtype)
            else:
                others.append(value)
        others += [value for key, value in named.items() if key == "dtype"]
        to_host = func is Tensor.cpu or (target is not None and not is_training(target))
        stays = target is None and func is Tensor.to
        kinds = [value for value in others if isinstance(value, torch.dtype)]
        result = tensor.to(kinds[0]) if kinds else tensor
        if stays or to_host == self.on_host(tensor):
            if result is not tensor:
                self._put(result, self.on_host(tensor))
            return result
        if to_host and tensor.requires_grad and torch.is_grad_enabled():
            self._fail(f"moves what it differentiates to the CPU at {line_of_plugin()}")
        moved = result.clone()
        self._put(moved, to_host)
        return moved

    def _put(self, tensor: Tensor, on_host: bool) -> None:
        if on_host:
            self._host[tensor] = f"made at {line_of_plugin()}"
        else:
            self._host.pop(tensor, None)

    def _fail(self, what: str, tensor: Tensor | None = None) -> None:
        made = f": a tensor {self._host[tensor]}. Give it the device of its inputs" if tensor is not None else ""
        raise PluginError(f"contract not met: {self.where} {what}{made}.")


def is_training(place: Any) -> bool:
    """Whether a device that a call names is the one that tensors of the training have."""
    return torch.device(place) == TRAINING


class Elsewhere:
    """An object whose methods are not watched: the loader, which puts batches where the training runs."""

    def __init__(self, watched: Any) -> None:
        self._watched = watched

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._watched, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            with torch._C.DisableTorchFunction():
                return found(*args, **named)

        return call


def hold_loose_tensors(devices: Devices, variant: Variant, state: State) -> None:
    """What no network holds does not move with it: tensors in plain attributes of a variant or of a module."""
    registered = {id(t) for n in state.networks.values() for t in (*n.parameters(), *n.buffers())}
    owners: list[tuple[str, Any]] = [("the variant", variant)]
    for name, network in state.networks.items():
        owners += [(f"network {name!r}", module) for module in network.modules()]
    for owner, each in owners:
        for attribute, value in vars(each).items():
            if attribute.startswith("_") and isinstance(each, nn.Module):
                continue
            for leaf in tensors_in(value):
                if id(leaf) not in registered and leaf.device.type == "cpu":
                    devices.hold_on_host(leaf, f"in attribute {attribute!r} of {owner}, which is not a buffer")


def tensors_in(value: Any) -> list[Tensor]:
    """Tensors of a value that may be a container or a module."""
    if isinstance(value, nn.Module):
        return []
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]
