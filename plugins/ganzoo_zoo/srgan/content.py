"""The content loss of arXiv:1609.04802, section 2.2.1: squared distance of VGG features.

The weights are torchvision's, found in torch's cache or downloaded, or a file by path. A checksum is verified before a
file is opened.
"""

import hashlib
import re
from pathlib import Path
from typing import Literal, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ganzoo.plugin import ChecksumError, DataError, DataMissingError

LAYOUTS = {
    "vgg16": (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512),
    "vgg19": (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512),
}
"""Output maps of each convolution up to the last one before the fifth pooling; M: pooling. arXiv:1409.1556, table 1."""

FILES = {"vgg16": "vgg16-397923af.pth", "vgg19": "vgg19-dcbb9e9d.pth"}
ADDRESS = "https://download.pytorch.org/models/"
RESCALE = 1 / 12.75
"""The paper rescales feature maps by this, so that the loss is of the size of the MSE."""

Normalisation = Literal["torchvision", "caffe"]


class VGGFeatures(nn.Module):
    """Images [N, 1 or 3, H, W] in [-1, 1] to the maps after the last convolution before the fifth pooling, activated.

    Args:
        tensors: ``features.N.weight`` and ``features.N.bias``, as torchvision names them; more are ignored.
        name: ``"vgg16"`` or ``"vgg19"``.
        normalisation: of the input: as torchvision's weights want it, or mean-free 0..255 as Caffe's do.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, tensors: dict[str, Tensor], name: str, normalisation: Normalisation) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for item in LAYOUTS[name]:
            if item == "M":
                layers.append(nn.MaxPool2d(2))
                continue
            key = f"features.{len(layers)}"
            weight, bias = tensors.get(f"{key}.weight"), tensors.get(f"{key}.bias")
            if weight is None or bias is None:
                raise DataError(f"the content weights lack {key}.weight or {key}.bias: they are not {name}.")
            convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            convolution.load_state_dict({"weight": weight.float(), "bias": bias.float()})
            layers += [convolution, nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        if normalisation == "torchvision":
            mean, std = 255 * torch.tensor([0.485, 0.456, 0.406]), 255 * torch.tensor([0.229, 0.224, 0.225])
        else:
            mean, std = torch.tensor([122.67892, 116.66877, 104.00699]), torch.ones(3)
        self.register_buffer("mean", mean.view(1, 3, 1, 1))
        self.register_buffer("std", std.view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        pixels = (images.expand(-1, 3, -1, -1) + 1) * 127.5
        return RESCALE * self.layers((pixels - self.mean) / self.std)


def load_features(name: str, path: str, sha256: str, normalisation: Normalisation) -> VGGFeatures:
    """VGG features from a file, from torch's cache, or by download.

    Args:
        path: a ``.safetensors`` file or a torch file; empty: torchvision's.
        sha256: what the file must hash to; empty: not checked, unless its name says how it begins (``vgg19-dcbb9e9d``).

    Raises:
        DataMissingError: no such file, and no download.
        ChecksumError: it is another file. It was not opened.
        DataError: it holds something else.
    """
    file = Path(path).expanduser() if path else _published(name)
    if not file.is_file():
        raise DataMissingError(f"content_weights = {path!r}: no such file. Without VGG weights, use -o content=mse.")
    verify(file, sha256)
    try:
        if file.suffix == ".safetensors":
            tensors = load_file(file)
        else:
            tensors = cast(dict[str, Tensor], torch.load(file, map_location="cpu", weights_only=True))
        return VGGFeatures(tensors, name, normalisation)
    except DataError:
        raise
    except Exception as error:  # whatever a reader of a damaged file raises
        raise DataError(f"{file} cannot be read as weights of {name}: {error}") from error


def verify(file: Path, sha256: str) -> None:
    """Raise ChecksumError unless the file hashes to ``sha256``, or to what its name promises."""
    promised = re.fullmatch(r"vgg1[69]-([0-9a-f]{8})\.pth", file.name)  # torchvision's names
    wanted = sha256.lower() or (promised[1] if promised else "")
    with open(file, "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(wanted):
        raise ChecksumError(f"{file} was not opened: its SHA-256 is {found}, not {wanted}.")


def _published(name: str) -> Path:
    file = Path(torch.hub.get_dir()) / "checkpoints" / FILES[name]
    if not file.exists():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            prefix = FILES[name].rpartition("-")[2].partition(".")[0]
            torch.hub.download_url_to_file(ADDRESS + FILES[name], str(file), hash_prefix=prefix)
        except (OSError, RuntimeError) as error:
            raise DataMissingError(
                f"the weights of {name} are not here and could not be downloaded ({error}). Put {ADDRESS}{FILES[name]} "
                f"(its SHA-256 begins with {prefix}) at {file}, or name a file with -o content_weights=PATH, or train "
                "without them: -o content=mse."
            ) from error
    return file
