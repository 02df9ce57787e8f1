"""Safetensors files with a JSON header: written whole or not at all, read without running code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ganzoo.errors import CheckpointError
from ganzoo.runtime.files import replace_file


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write a safetensors file with ``header`` as JSON: temporary name, sync, rename.

    Raises:
        RunError: the disk is full or the folder cannot be written; what stood at ``path`` before still stands.
    """
    ready = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        try:
            save_file(ready, temporary, metadata={"ganzoo": json.dumps(header)})
        except SafetensorError as error:  # its word for a full disk
            raise OSError(str(error)) from error

    replace_file(path, write)


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a file written by :func:`write_tensors`.

    Raises:
        CheckpointError: no such file, no safetensors file, or not one of ganzoo's.
    """
    return _open(path)[1]


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors (on the CPU) and the header. Raises CheckpointError as :func:`read_header` does."""
    file, header = _open(path)
    try:
        with file:
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118  # no mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error}.") from error


def _open(path: Path) -> tuple[Any, dict[str, Any]]:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.")
    try:
        file = safe_open(path, framework="pt")
        header = json.loads((file.metadata() or {})["ganzoo"])
        if not isinstance(header, dict):
            raise ValueError("its header is not a table")
    except KeyError:
        raise CheckpointError(f"{path} is a safetensors file, but ganzoo did not write it.") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a checkpoint, or is damaged: {error}.") from error
    return file, header


def fill(network: nn.Module, tensors: dict[str, Tensor], path: Path, name: str) -> None:
    """Load a network's tensors, every one of them, none left over.

    Raises:
        CheckpointError: names or sizes differ.
    """
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit network {name!r} of these settings: {error}") from error


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
