"""The way back: exported files and folders as networks, and what is never opened."""

import re
from pathlib import Path

from ganzoo.errors import CheckpointError, UsageError
from ganzoo.export.archive import read_pt2
from ganzoo.export.loaded import rebuilt
from ganzoo.export.onnx import read_onnx
from ganzoo.models.interfaces import Usable
from ganzoo.runtime.files import file_hash, read_json

PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib", ".pt.tar", ".tar", ".h5", ".keras", ".npz")
"""Endings of files that are pickles, or may hold them."""
MOST_JSON = 2**24


def is_exported(path: Path) -> bool:
    """Whether it is for this module to read or to refuse, by its name alone; a folder by what lies in it."""
    if path.is_dir():
        return (path / "config.json").is_file() and not (path / "run.json").exists()
    return path.suffix.lower() in (".onnx", ".pt2") or path.name.lower().endswith(PICKLES)


def load_exported(path: Path) -> Usable:
    """A network of an ONNX or pt2 file, in eval mode, computing on the CPU.

    Raises:
        UsageError: a file that may run code when it is opened; an extra that is not installed.
        CheckpointError: damaged, or not what ganzoo writes.
    """
    suffix = path.suffix.lower()
    if path.name.lower().endswith(PICKLES):
        raise UsageError(
            f"{path} may be a pickle, which can run any code when it is opened: ganzoo opens none. Ask for safetensors."
        )
    description, run = read_onnx(path) if suffix == ".onnx" else read_pt2(path)
    return rebuilt(description, run, path)


def refuse_other_hash(path: Path, expected: str) -> None:
    """Raise CheckpointError for a file that is not the one whose SHA-256 was given.

    Raises:
        UsageError: a folder, whose files have a hash each; no SHA-256.
        CheckpointError: no such file, or another one.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", expected):
        raise UsageError(f"sha256 = {expected[:80]!r}: give the 64 digits of a SHA-256.")
    if path.is_dir():
        raise UsageError(f"sha256 is for a file; {path} is a folder: name the file in it, such as model.safetensors.")
    try:
        found = file_hash(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found != expected.lower():
        raise CheckpointError(f"{path} is not opened: its SHA-256 is {found}, not {expected.lower()}.")


def weights_of_folder(path: Path) -> Path:
    """The weights file in a folder that ``ganzoo export --format hf`` wrote. Nothing else in it is read but JSON.

    Raises:
        CheckpointError: no such folder of ganzoo's.
    """
    config = path / "config.json"
    try:
        if config.stat().st_size > MOST_JSON:
            raise ValueError(f"{config.stat().st_size:,} bytes")
        said = read_json(config)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{config} is damaged: {error}.") from error
    if said.get("library_name") != "ganzoo":
        raise CheckpointError(f"{path} holds a network of another library: its config.json does not name ganzoo.")
    weights = path / "model.safetensors"
    if not weights.is_file():
        raise CheckpointError(f"{path} has no model.safetensors, the only weights in it that ganzoo would open.")
    if file_hash(weights) != said.get("sha256"):
        raise CheckpointError(f"{weights} is damaged or was changed: its SHA-256 is not the one in config.json.")
    return weights
