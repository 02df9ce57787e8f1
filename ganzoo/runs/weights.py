"""A trained network by itself: a safetensors file whose header tells how to rebuild it."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganzoo.data.base import DataInfo
from ganzoo.errors import CheckpointError, ConfigError, DataError, PluginError, describe
from ganzoo.models.variant import Variant
from ganzoo.runtime.tensor_files import fill, read_header, read_shapes, read_tensors


def describe_weights(path: Path) -> tuple[dict[str, Any], DataInfo]:
    """(header, data) of a weights file, without reading its tensors.

    Raises:
        CheckpointError: it is not a weights file of ganzoo.
    """
    header = read_header(path)
    if "role" not in header:
        raise CheckpointError(f"{path} is a checkpoint, not trained weights: name its run directory instead.")
    try:
        texts = (header["config"]["variant"], header["role"], header["network"])  # what every reader relies on
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(f"a name: {texts}")
        return header, DataInfo.from_plain(header["data"])
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: its header lacks or misplaces {error}.") from error


def weights_in(path: Path) -> Path:
    """The weights file in a folder that ``ganzoo export --to hf`` wrote; any other path as it is."""
    weights = path / "model.safetensors"
    return weights if weights.is_file() and not (path / "run.json").exists() else path


def load_network(path: Path, variant: Variant) -> nn.Module:
    """The network in a weights file, built by ``variant``, in eval mode, on the CPU.

    Raises:
        CheckpointError: no such file, damaged, or of other networks than this variant's.
    """
    header = describe_weights(path)[0]
    if header["config"]["variant"] != variant.config.variant:
        raise CheckpointError(
            f"{path} belongs to variant {header['config']['variant']!r}, not {variant.config.variant!r}."
        )
    refuse_other_shapes(path, header["network"], variant)
    with torch.random.fork_rng(devices=[]):  # building draws weights; the caller's generator is not ours to move
        network = variant.build()[header["network"]]
    fill(network, read_tensors(path)[0], path, header["network"])
    return network.eval().requires_grad_(False)


class Undrawn(TorchFunctionMode):
    """Networks that have shapes only need no weights: to draw them there, torch would first load its compiler, which
    takes seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (nn.init.normal_, Tensor.normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def refuse_other_shapes(path: Path, name: str, variant: Variant) -> None:
    """Compare the shapes in a file with those of the network that its header asks for, before any memory is taken.

    Raises:
        CheckpointError: no such network, or other tensors.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"), Undrawn():
        try:
            networks = variant.build()
        except (ConfigError, DataError, PluginError) as error:
            raise CheckpointError(f"{path} cannot be rebuilt: {error}") from error
        except (NotImplementedError, RuntimeError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, NotImplementedError) or "meta" in str(error):
                return  # a plugin that looks at values while it builds; loading compares shapes again
            raise CheckpointError(f"{path} cannot be rebuilt: {describe(error)}") from error
    if name not in networks:
        raise CheckpointError(f"{path} holds network {name!r}, which variant {variant.config.variant!r} does not have.")
    expected = {key: tuple(value.shape) for key, value in networks[name].state_dict().items()}
    found = read_shapes(path)
    if wrong := sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)):
        shapes = f"{list(found.get(wrong[0], ()))} in the file, {list(expected.get(wrong[0], ()))} by its settings"
        raise CheckpointError(f"{path} does not fit network {name!r}: {wrong[0]} is {shapes}.")
