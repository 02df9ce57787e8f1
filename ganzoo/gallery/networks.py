"""Trained networks that are kept in memory, a few at a time."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import CheckpointError, Interrupted, UsageError
from ganzoo.models.load import load_variant
from ganzoo.models.variant import Variant
from ganzoo.runs.checkpoint import refuse_other_versions
from ganzoo.runs.trained import variant_of_weights
from ganzoo.runs.weights import describe_weights, load_network
from ganzoo.runtime.tensor_files import below, fill, read_header, read_tensors

MOST = 6
"""Networks in memory."""


@dataclass(frozen=True)
class Opened:
    """A trained network, and what it came with.

    Attributes:
        said: ``role``, ``step``, ``weights`` (EMA or raw) and ``best``, as far as the file tells.
    """

    variant: Variant
    network: nn.Module
    said: dict[str, object]


class Networks:
    """Opens weights files, and keeps the newest few. A file that has changed is read again.

    Attributes:
        busy: held while a network computes: networks carry their mode, and two computations at once are slower.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.busy = threading.RLock()
        self._kept: OrderedDict[tuple[Path, int, int], Opened] = OrderedDict()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._kept)

    def open(self, path: Path) -> Opened:
        """The network in a weights file, or that of the main role in a checkpoint.

        Raises:
            CheckpointError: the file is gone, damaged, or of another version.
        """
        with self.busy:
            try:
                state = path.stat()
            except OSError as error:
                raise CheckpointError(f"{path.name}: {error.strerror or error}.") from error
            key = path, state.st_mtime_ns, state.st_size
            if key not in self._kept:
                found = open_checkpoint(path) if path.parent.name == "checkpoints" else open_weights(path)
                for module in found.network.modules():
                    module.register_forward_pre_hook(self._go_on)
                self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
            return self._kept[key]

    def stop(self) -> None:
        """End what is being computed before its next layer: a large image can take minutes."""
        self._stopping = True

    def _go_on(self, *_: object) -> None:
        if self._stopping:
            raise Interrupted("the gallery is closed.")


def open_weights(path: Path) -> Opened:
    """A weights file. Raises as :func:`ganzoo.runs.weights.load_network`."""
    variant, header = variant_of_weights(path), describe_weights(path)[0]
    said = {key: header.get(key) for key in ("role", "step", "weights", "best")}
    return Opened(variant, load_network(path, variant), said)


def open_checkpoint(path: Path) -> Opened:
    """The network of the main role as a checkpoint holds it: its average where there is one.

    Raises:
        CheckpointError: damaged, of another version, or without that network.
    """
    refuse_other_versions(path, read_header(path))
    tensors, header = read_tensors(path)
    try:
        name = header["config"]["variant"]
        variant_class = load_variant(name)
        config = resolve(name, variant_class.Options, header["config"])
        variant = variant_class(config, DataInfo.from_plain(header["data"]), None)
        network_name = variant.exports()[variant.main_role]
        with torch.random.fork_rng(devices=[]):
            network = variant.build()[network_name]
        averaged = below(tensors, f"ema/{network_name}/")
        found = averaged or below(tensors, f"networks/{network_name}/")
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path.name} is damaged: its header lacks or misplaces {error}.") from error
    if not found:
        raise UsageError(f"{path.name} holds no network {network_name!r}.")
    fill(network, found, path, network_name)
    said = {"role": variant.main_role, "step": header["step"], "weights": "EMA" if averaged else "raw", "best": None}
    return Opened(variant, network.eval().requires_grad_(False), said)
