"""What was computed of real data, remembered under a hash of all that it depends on.

Each entry is one safetensors file, written whole or not at all; a damaged one is computed again, with a word. Two
processes that need the same entry compute it once: the second waits.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import CheckpointError, GanzooError, RunError
from ganzoo.runtime.locks import waiting
from ganzoo.runtime.tensor_files import read_header, read_tensors, write_tensors

CHUNK = 1_000
FOLDER = "reference"
"""Below the data root."""


class ReferenceWarning(UserWarning):
    """Something remembered cannot be used, or something computed cannot be remembered; the numbers are right."""


def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """(mean [F], unbiased covariance [F, F]) of features [N, F], in float64, without a float64 copy of them all."""
    count, width = features.shape
    mean = torch.zeros(width, dtype=torch.float64)
    for part in features.split(CHUNK):
        mean += part.double().sum(0)
    mean /= count
    covariance = torch.zeros(width, width, dtype=torch.float64)
    for part in features.split(CHUNK):
        centred = part.double() - mean
        covariance += centred.T @ centred
    return mean, covariance / (count - 1)


def remembered(
    folder: Path | None, key: Mapping[str, Any], compute: Callable[[], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """The tensors that belong to ``key``: from ``folder``, or computed and put there."""
    if folder is None:
        return compute()
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    path = folder / f"{key['what']}-{name}.safetensors"
    if (found := _read(path, key)) is not None:
        return found
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(waiting(folder / f".{path.stem}.lock"))
        except OSError as error:
            _warn(f"{folder} cannot be written ({error.strerror}), so what is computed is not remembered.")
            return compute()
        if (found := _read(path, key)) is not None:  # another process has computed it while this one waited
            return found
        tensors = compute()
        try:
            write_tensors(path, tensors, {"reference": dict(key)})
        except RunError as error:
            _warn(f"{error} What was computed is not remembered.")
        return tensors


def _warn(text: str) -> None:
    warnings.warn(text, ReferenceWarning, stacklevel=3)


def _read(path: Path, key: Mapping[str, Any]) -> dict[str, Tensor] | None:
    if not path.exists():
        return None
    try:
        tensors, header = read_tensors(path)
        if header.get("reference") != dict(key):
            raise CheckpointError(f"{path} belongs to something else.")
    except CheckpointError as error:
        _warn(f"{error} It is computed again.")
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return None
    return tensors


@dataclass(frozen=True)
class Entry:
    """One remembered thing: its file, what it is of, whether it is whole."""

    path: Path
    key: dict[str, Any]
    state: str
    size: int


def entries(root: Path, name: str, check: bool) -> list[Entry]:
    """What is remembered of a data set below the data root ``root``; ``check`` reads it all."""
    found = []
    for path in sorted((root / FOLDER).glob("*.safetensors")):
        try:
            header = read_tensors(path)[1] if check else read_header(path)
            key, state = dict(header["reference"]), "verified" if check else "present"
        except (GanzooError, KeyError, TypeError, ValueError):
            key, state = {}, "damaged"
        if key.get("data", name) == name:
            found.append(Entry(path, key, state, path.stat().st_size))
    return found
