"""One State, one safetensors file: tensors as tensors, the rest as JSON in the header. Loading runs no code.

Besides networks, averages and optimizers a checkpoint holds the random number generators of Python, NumPy, torch and
the device, so that a resumed run continues exactly; those of further processes that train together as ``rank-1/`` ...
"""

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.errors import CheckpointError
from ganzoo.models.state import Best, State
from ganzoo.runs.optimizers import load_optimizer
from ganzoo.runtime.random_state import capture_rng, restore_rng
from ganzoo.runtime.tensor_files import below, fill, read_tensors, refuse_infinite, write_tensors

FORMAT = 2
MOST = 2**62
"""No run has so many steps or images."""
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
    position = {"format": FORMAT, "step": state.step, "images": state.images, "skipped": state.skipped}
    write_tensors(path, tensors, {**header, **position, "optimizers": optimizers, "best": best, **own[1], **said})


def newest_sound(paths: Sequence[Path]) -> tuple[Path, dict[str, Any]]:
    """The newest of some checkpoints (oldest first) whose content is what was written, and its header.

    Damaged ones that are newer are told in a warning.

    Raises:
        CheckpointError: there is none, or none that is sound, or the newest is of another version.
    """
    damage = ""
    for path in reversed(paths):
        try:
            header = read_tensors(path)[1]
        except CheckpointError as error:
            damage = damage or str(error)
            continue
        refuse_other_versions(path, header)
        if damage:
            warnings.warn(f"{damage} Going on from {path.name} instead.", stacklevel=2)
        return path, header
    raise CheckpointError(damage or "there is no checkpoint.")


def refuse_other_versions(path: Path, header: Mapping[str, Any]) -> None:
    """Raise CheckpointError unless the header is that of a checkpoint of this version, of the right types."""
    if header.get("format") != FORMAT or not {"optimizers", "stages", "looked", "step"} <= header.keys():
        raise CheckpointError(f"{path} is not a checkpoint of this version of ganzoo; weights alone cannot be resumed.")
    stages = header["stages"]
    sound = all(type(header.get(key)) is int and 0 <= header[key] < MOST for key in ("step", "images", "skipped"))
    sound = sound and isinstance(header["looked"], bool)
    tables = ("optimizers", "config", "data", "versions", "machine", "rng", "window")
    sound = sound and all(isinstance(header.get(key), dict) for key in tables)
    sound = sound and isinstance(stages, list) and all(isinstance(stage, dict) for stage in stages)
    if not sound or not all(type(s.get("steps")) is int and isinstance(s.get("name"), str) for s in stages):
        raise CheckpointError(f"{path} is damaged: its position or its stages are not what was written.")


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
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError, OverflowError) as error:
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
        if player not in header["optimizers"]:
            raise CheckpointError(f"{path} holds no optimizer of player {player!r}.")
        own = below(tensors, f"optimizers/{player}/")
        refuse_infinite(own, path, f"the optimizer of {player!r}")
        try:
            load_optimizer(optimizer, own, header["optimizers"][player])
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError) as error:
            raise CheckpointError(f"{path} does not fit the optimizer of player {player!r}: {error}") from error
    own, plain = (below(tensors, f"rank-{rank}/"), header[f"rank-{rank}"]) if rank else (tensors, header)
    sums = below(own, "window/")
    device = state.device
    if any(total.dim() or not total.is_floating_point() for total in sums.values()):
        raise CheckpointError(f"{path} is damaged: a mean of its window is not a number.")
    state.window = {name: (sums[name].to(device), int(count)) for name, count in plain["window"].items()}
    restore_memory(path, state, below(own, "memory/"))
    if header.get("best"):
        names = {key.partition("/")[0] for key in below(tensors, "best/")}
        state.best = Best(**header["best"], weights={name: below(tensors, f"best/{name}/") for name in names})
        for name, weights in state.best.weights.items():
            fill(copy.deepcopy(state.networks[name]), weights, path, name)  # fits, or says why not
    state.step, state.images, state.skipped = header["step"], header["images"], header["skipped"]
    restore_rng(below(own, "rng/"), plain["rng"])
