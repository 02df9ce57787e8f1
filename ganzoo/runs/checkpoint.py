"""One State, one safetensors file: tensors as tensors, the rest as JSON in the header. Loading runs no code.

Besides networks, averages and optimizers a checkpoint holds the random number generators of Python, NumPy, torch and
the device, so that a resumed run continues exactly; those of further processes that train together as ``rank-1/`` ...
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import CheckpointError
from ganzoo.models.state import Best, State
from ganzoo.runtime.random_state import capture_rng, restore_rng
from ganzoo.runtime.tensor_files import below, fill, read_header, read_tensors, write_tensors

FORMAT = 2
WAYS = ("capturable", "fused", "foreach")
"""Settings of torch's optimizers that say how they compute, not what."""
Own = tuple[dict[str, Tensor], dict[str, Any]]
"""What :func:`capture_own` finds: tensors, and plain values."""


def capture_own(state: State) -> Own:
    """What each of several processes has of its own: random number generators, memory, unfinished means."""
    generators, plain = capture_rng()
    window = {name: pair for name, pair in state.window.items() if pair[1]}
    tensors = {f"rng/{name}": value for name, value in generators.items()}
    tensors |= {f"window/{name}": total.detach().cpu() for name, (total, _) in window.items()}
    tensors |= {f"memory/{name}": value.detach().cpu() for name, value in state.memory.items()}
    return tensors, {"rng": plain, "window": {name: count for name, (_, count) in window.items()}}


def save_state(path: Path, state: State, header: Mapping[str, Any], ranks: Sequence[Own] = ()) -> None:
    """Write a checkpoint: the state, the random number generators and ``header``.

    Args:
        ranks: :func:`capture_own` of every rank, where several train together.
    """
    tensors: dict[str, Tensor] = {}
    for part, networks in (("networks", state.networks), ("ema", state.ema)):
        for name, network in networks.items():
            tensors |= {f"{part}/{name}/{key}": value for key, value in network.state_dict().items()}
    optimizers: dict[str, Any] = {}
    for player, optimizer in state.optimizers.items():
        saved = optimizer.state_dict()
        groups = [{k: as_plain(v) for k, v in group.items()} for group in saved["param_groups"]]
        optimizers[player] = {"groups": groups, "scalars": {}}
        for index, values in saved["state"].items():
            for key, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizers/{player}/{index}/{key}"] = value
                else:
                    optimizers[player]["scalars"].setdefault(str(index), {})[key] = value
    best: dict[str, Any] = {}
    if state.best:
        best = {f.name: getattr(state.best, f.name) for f in fields(state.best) if f.name != "weights"}
        for name, weights in state.best.weights.items():
            tensors |= {f"best/{name}/{key}": value for key, value in weights.items()}
    own, *others = ranks or [capture_own(state)]
    tensors |= own[0]
    said: dict[str, Any] = {"ranks": len(ranks)} if others else {}
    for rank, (own_tensors, plain) in enumerate(others, start=1):
        tensors |= {f"rank-{rank}/{name}": value for name, value in own_tensors.items()}
        said[f"rank-{rank}"] = plain
    position = {"format": FORMAT, "step": state.step, "images": state.images}
    write_tensors(path, tensors, {**header, **position, "optimizers": optimizers, "best": best, **own[1], **said})


def read_position(path: Path) -> dict[str, Any]:
    """The header of a checkpoint, without its tensors.

    Raises:
        CheckpointError: no checkpoint, or one of another version.
    """
    header = read_header(path)
    refuse_other_versions(path, header)
    return header


def refuse_other_versions(path: Path, header: Mapping[str, Any]) -> None:
    """Raise CheckpointError unless the header is that of a checkpoint of this version."""
    if header.get("format") != FORMAT or not {"optimizers", "stages", "looked", "step"} <= header.keys():
        raise CheckpointError(f"{path} is not a checkpoint of this version of ganzoo; weights alone cannot be resumed.")


def restore_memory(path: Path, state: State, saved: Mapping[str, Tensor]) -> None:
    """Fill the memory of a state.

    Raises:
        CheckpointError: other names, shapes or types than the variant's memory has.
    """
    wanted = {name: (tuple(value.shape), value.dtype) for name, value in state.memory.items()}
    found = {name: (tuple(value.shape), value.dtype) for name, value in saved.items()}
    if wanted != found:
        names = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise CheckpointError(f"{path} does not fit the memory of this variant: {', '.join(names)}.")
    for name, value in saved.items():
        state.memory[name] = value.to(state.device)


def as_plain(value: Any) -> Any:
    """A setting of an optimizer as JSON knows it: a learning rate may live in a tensor."""
    return value.item() if isinstance(value, Tensor) else value


def load_state(path: Path, state: State, variant: str, rank: int = 0) -> dict[str, Any]:
    """Fill ``state`` from a checkpoint, restore the random number generators (those of that rank), return the header.

    Raises:
        CheckpointError: damaged, of another variant, or of networks of another size.
    """
    tensors, header = read_tensors(path)
    try:
        _restore(path, tensors, header, state, variant, rank)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # Whatever is missing or of another form, the file was not written by save_state.
        raise CheckpointError(f"{path} is damaged: {type(error).__name__}: {error}.") from error
    return header


def _restore(
    path: Path, tensors: dict[str, Tensor], header: dict[str, Any], state: State, variant: str, rank: int
) -> None:
    refuse_other_versions(path, header)
    if header["config"]["variant"] != variant:
        raise CheckpointError(f"{path} belongs to variant {header['config']['variant']!r}, not {variant!r}.")
    for part, networks in (("networks", state.networks), ("ema", state.ema)):
        for name, network in networks.items():
            fill(network, below(tensors, f"{part}/{name}/"), path, name)
    for player, optimizer in state.optimizers.items():
        saved = header["optimizers"].get(player)
        if saved is None:
            raise CheckpointError(f"{path} holds no optimizer of player {player!r}.")
        values: dict[int, dict[str, Any]] = {int(i): dict(v) for i, v in saved["scalars"].items()}
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for key, tensor in below(tensors, f"optimizers/{player}/").items():
            index, _, name = key.partition("/")
            parameter = parameters[int(index)]
            if tensor.shape == parameter.shape:
                # Fused optimizers walk raw memory: moments must lie in it as their parameter does (channels last, say).
                tensor = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
            values.setdefault(int(index), {})[name] = tensor
        # How a step is computed is this process's: a run may go on where the saved way is not available.
        ways = [{k: group[k] for k in WAYS if k in group} for group in optimizer.param_groups]
        groups = [{**was, **way} for was, way in zip(saved["groups"], ways, strict=True)]
        optimizer.load_state_dict({"state": values, "param_groups": groups})
    own, plain = (below(tensors, f"rank-{rank}/"), header[f"rank-{rank}"]) if rank else (tensors, header)
    sums = below(own, "window/")
    device = state.device
    state.window = {name: (sums[name].to(device), count) for name, count in plain["window"].items()}
    restore_memory(path, state, below(own, "memory/"))
    if header.get("best"):
        names = {key.partition("/")[0] for key in below(tensors, "best/")}
        state.best = Best(**header["best"], weights={name: below(tensors, f"best/{name}/") for name in names})
    state.step, state.images = header["step"], header["images"]
    restore_rng(below(own, "rng/"), plain["rng"])
