"""Safetensors files with a JSON header: written whole or not at all, read without running code.

Each carries a SHA-256 of its content. A file whose content is not what was written is refused.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
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
    plain = json.loads(json.dumps(header))
    # One entry: safetensors writes several in no fixed order, and equal content must give equal files.
    metadata = {"ganzoo": json.dumps({**plain, "sha256": content_hash(ready, plain)})}

    def write(temporary: Path) -> None:
        try:
            save_file(ready, temporary, metadata=metadata)
        except SafetensorError as error:  # its word for a full disk
            raise OSError(str(error)) from error

    replace_file(path, write)


def content_hash(tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """SHA-256 over the header and over names, types, shapes and bytes of all tensors, as hex."""
    total = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a file written by :func:`write_tensors`. Its content is not compared with its hash.

    Raises:
        CheckpointError: no such file, no safetensors file, or not one of ganzoo's.
    """
    header = _open(path)[1]
    header.pop("sha256", None)
    return header


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor, without reading any. Raises CheckpointError as :func:`read_header` does."""
    with _open(path)[0] as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  # no mapping


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors (on the CPU) and the header.

    Raises:
        CheckpointError: as :func:`read_header` does, or its content is not what was written.
    """
    file, header = _open(path)
    try:
        with file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error}.") from error
    expected = header.pop("sha256", None)
    if content_hash(tensors, header) != expected:
        raise CheckpointError(f"{path} is damaged: its content is not what was written (SHA-256).")
    return tensors, header


def _open(path: Path) -> tuple[Any, dict[str, Any]]:
    """The open file, and its header with the hash in it."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.")
    try:
        file = safe_open(path, framework="pt")
        header = json.loads((file.metadata() or {})["ganzoo"])
        if not isinstance(header, dict):
            raise ValueError("its header is not a table")
    except KeyError:
        raise CheckpointError(f"{path} is a safetensors file, but ganzoo did not write it.") from None
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a checkpoint, or is damaged: {error}.") from error
    return file, header


def fill(network: nn.Module, tensors: dict[str, Tensor], path: Path, name: str) -> None:
    """Load a network's tensors, every one of them, none left over.

    Raises:
        CheckpointError: names or sizes differ, or a value is not finite.
    """
    refuse_infinite(tensors, path, f"network {name!r}")
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit network {name!r} of these settings: {error}") from error


def refuse_infinite(tensors: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Raise CheckpointError for the first tensor that holds a value that is not finite."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{path}: {key} of {what} holds a value that is not finite.")


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
