"""A trained network by itself: a safetensors file whose header tells how to rebuild it."""

from pathlib import Path
from typing import Any

from torch import nn

from ganzoo.checkpoint import fill, read_header, read_tensors
from ganzoo.data.base import DataInfo
from ganzoo.errors import CheckpointError
from ganzoo.variant import Variant


def describe_weights(path: Path) -> tuple[dict[str, Any], DataInfo]:
    """(header, data) of a weights file, without reading its tensors.

    Raises:
        CheckpointError: it is no weights file of ganzoo.
    """
    header = read_header(path)
    if "network" not in header:
        raise CheckpointError(f"{path} is a checkpoint, not trained weights: name its run directory instead.")
    data = header["data"]
    return header, DataInfo(**{**data, "shape": tuple(data["shape"]), "classes": tuple(data["classes"])})


def load_network(path: Path, variant: Variant) -> nn.Module:
    """The network in a weights file, built by ``variant``, in eval mode, on the CPU.

    Raises:
        CheckpointError: no such file, damaged, or of other networks than this variant's.
    """
    tensors, header = read_tensors(path)
    if header["config"]["variant"] != variant.config.variant:
        raise CheckpointError(
            f"{path} belongs to variant {header['config']['variant']!r}, not {variant.config.variant!r}."
        )
    network = variant.networks()[header["network"]]
    fill(network, tensors, path, header["network"])
    return network.eval().requires_grad_(False)
