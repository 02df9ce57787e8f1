"""What is exported: a trained network of a run directory or a weights file, and what is known about it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from ganzoo.data.base import DataInfo
from ganzoo.errors import CheckpointError, UsageError, printable, shown
from ganzoo.models.variant import Variant
from ganzoo.runs.checkpoint import refuse_other_versions
from ganzoo.runs.run import weights_path
from ganzoo.runs.trained import TrainedRun, open_run, variant_of_weights
from ganzoo.runs.weights import describe_weights, load_network, weights_in
from ganzoo.runtime.tensor_files import below, fill, read_tensors

Weights = Literal["used", "last", "best"]
WEIGHTS: tuple[Weights, ...] = ("used", "last", "best")


@dataclass(frozen=True)
class Source:
    """A trained network and what is known about it.

    Attributes:
        path: the file that the weights were read from.
        run: name of the run directory.
        role: of the network in the run.
        header: of a weights file, as :func:`ganzoo.runs.weights.describe_weights` reads it.
    """

    path: Path
    run: str
    role: str
    header: dict[str, Any]
    variant: Variant
    network: nn.Module

    @property
    def data(self) -> DataInfo:
        """What it was trained on."""
        return self.variant.data

    @property
    def folder(self) -> Path:
        """The run directory, if the file lies in one."""
        return self.path.parent.parent if self.path.parent.name == "checkpoints" else self.path.parent


def open_source(path: Path, role: str | None, weights: Weights = "used") -> Source:
    """A role of a run directory (default: the first one), or a weights file.

    Args:
        weights: of a run directory: ``"used"``, those that samples are drawn with (averaged where the run keeps an
            average); ``"last"``, those of the newest checkpoint as the last step left them; ``"best"``, those with the
            best value of the metric that chooses.

    Raises:
        RunError, CheckpointError: nothing there, or damaged.
        UsageError: no such role, or no such weights.
    """
    path = weights_in(path)
    if not path.is_dir():
        if weights != "used":
            raise UsageError(f"--weights {weights} is for run directories; {path} is one file.")
        return source_of_file(path, role, printable(path.resolve().parent.name))
    run = open_run(path)
    role = role or run.variant.main_role
    if role not in run.roles:
        raise UsageError(f"{path} exports no {role!r}; it has: {', '.join(run.roles)}.")
    name = printable(path.resolve().name)
    if weights == "last":
        return source_of_checkpoint(run, role, name)
    file = weights_path(path, role, best=weights == "best")
    if not file.is_file():
        raise UsageError(f"{path} keeps no best weights of {role!r}: train with metrics, and it does.")
    return source_of_file(file, role, name)


def roles_of(path: Path) -> list[str | None]:
    """The roles of a run directory that can be exported; of a weights file its only one.

    Raises:
        RunError, CheckpointError: nothing there, or damaged.
    """
    return list(open_run(path).roles) if weights_in(path).is_dir() else [None]


def source_of_file(path: Path, role: str | None, run: str) -> Source:
    """The network of a weights file."""
    header = describe_weights(path)[0]
    refuse_odd(header, path)
    if role not in (None, header["role"]):
        raise UsageError(f"{path} holds role {header['role']!r}, not {role!r}: name its run directory for another one.")
    variant = variant_of_weights(path)
    return Source(path, run, header["role"], header, variant, load_network(path, variant))


def refuse_odd(header: Mapping[str, Any], path: Path) -> None:
    """Raise CheckpointError for a header whose facts are of other types than those that are written into it.

    What is exported tells them on: into file names, code, and cards.
    """
    kinds = {"step": int, "images": int, "role": str, "weights": str, "machine": dict, "versions": dict, "best": dict}
    for key, kind in kinds.items():
        if key in header and type(header[key]) is not kind:
            raise CheckpointError(f"{path} is damaged: {key!r} in its header is not what was written.")
    if not re.fullmatch(r"[\w.-]{1,100}", header["role"]):
        raise CheckpointError(f"{path} is damaged: {shown(header['role'])} in its header is no role.")
    try:
        json.dumps(header, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise CheckpointError(f"{path} is damaged: its header holds a text that is not UTF-8.") from None


def source_of_checkpoint(run: TrainedRun, role: str, name: str) -> Source:
    """The network as the last step left it, out of the newest checkpoint."""
    path = run.latest()
    tensors, header = read_tensors(path)
    try:
        refuse_other_versions(path, header)
        if header["config"]["variant"] != run.config.variant:
            raise CheckpointError(f"{path} belongs to variant {header['config']['variant']!r}: it is of another run.")
        plain = {key: header[key] for key in ("machine", "config", "data", "versions", "step", "images")}
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: its header lacks or misplaces {error}.") from error
    network_name = run.variant.exports()[role]
    with torch.random.fork_rng(devices=[]):  # building draws weights; the caller's generator is not ours to move
        network = run.variant.build()[network_name]
    fill(network, below(tensors, f"networks/{network_name}/"), path, network_name)
    plain |= {"role": role, "network": network_name, "weights": "raw"}
    refuse_odd(plain, path)
    return Source(path, name, role, plain, run.variant, network.eval().requires_grad_(False))
