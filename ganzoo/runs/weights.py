"""A trained network by itself: a safetensors file whose header tells how to rebuild it."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ganzoo.data.base import DataInfo
from ganzoo.errors import CheckpointError
from ganzoo.models.variant import Variant
from ganzoo.runtime.tensor_files import fill, read_header, read_tensors


def describe_weights(path: Path) -> tuple[dict[str, Any], DataInfo]:
    """(header, data) of a weights file, without reading its tensors.

    Raises:
        CheckpointError: it is not a weights file of ganzoo.
    """
    header = read_header(path)
    if "role" not in header:
        raise CheckpointError(f"{path} is a checkpoint, not trained weights: name its run directory instead.")
    try:
        data = header["data"]
        header["config"]["variant"], header["role"], header["network"]  # what every reader relies on
        return header, DataInfo.from_plain(data)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: its header lacks or misplaces {error}.") from error


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
    with torch.random.fork_rng(devices=[]):  # building draws weights; the caller's generator is not ours to move
        network = variant.build().get(header["network"], nn.Identity())
    fill(network, tensors, path, header["network"])
    return network.eval().requires_grad_(False)
