"""SVHN, STL-10 and CelebA, read by torchvision from the files in its own layout below the data root.

torchvision is imported only when one of them is loaded; it checks the md5 sums of the files itself.
"""

import importlib.util
from pathlib import Path
from typing import Any

import torch

from ganzoo.data.base import DataRequest, Dataset, digest
from ganzoo.data.decode import Decoder
from ganzoo.data.resize import check_request, fitted_shape, image_dataset
from ganzoo.data.sources.folder import file_dataset, with_attributes
from ganzoo.data.specs import own_spec
from ganzoo.data.store import missing_error, require
from ganzoo.errors import DataError, DataMissingError
from ganzoo.registry.specs import DatasetSpec

CELEBA_FOLDER = "celeba/img_align_celeba"


def load_svhn(request: DataRequest) -> Dataset:
    """SVHN, cropped digits (32x32), with labels.

    Raises:
        DataMissingError: the file of the split is not below ``request.root``.
        DataError: it is damaged, or SciPy, which reads its format, is not installed.
    """
    spec = own_spec("svhn")
    check_request(request, spec)
    [path] = require(spec, request.root, [f"svhn/{request.split}_32x32.mat"], request.progress)
    if importlib.util.find_spec("scipy") is None:
        raise DataError("SVHN comes as MATLAB files, which SciPy reads: pip install scipy, then try again.")
    data = _torchvision(spec, "SVHN", path.parent, request.split)
    return image_dataset(request, torch.from_numpy(data.data), torch.from_numpy(data.labels).long(), spec.classes or ())


def load_stl10(request: DataRequest) -> Dataset:
    """STL-10 (96x96); the split ``unlabeled`` has no labels.

    Raises:
        DataMissingError: the files are not below ``request.root``.
        DataError: they are damaged.
    """
    spec = own_spec("stl10")
    check_request(request, spec)
    require(spec, request.root, [m.path for file in spec.files for m in file.members], request.progress)
    data = _torchvision(spec, "STL10", request.root, request.split)
    images = torch.from_numpy(data.data)
    if data.labels is None or request.split == "unlabeled":
        return image_dataset(request, images)
    return image_dataset(request, images, torch.from_numpy(data.labels).long(), spec.classes or ())


def load_celeba(request: DataRequest) -> Dataset:
    """CelebA, aligned faces; 178x218 unless a resolution is requested. ``attributes`` are float32 [N, 40], 0 or 1.

    Raises:
        DataMissingError: the files are not below ``request.root``, or the archive is not unpacked.
        DataError: they are damaged.
    """
    spec = own_spec("celeba")
    check_request(request, spec)
    lists = [file.path for file in spec.files if file.path.endswith(".txt")]
    require(spec, request.root, lists)
    if not (request.root / CELEBA_FOLDER).is_dir():
        if (request.root / spec.files[0].path).exists():
            raise DataMissingError(
                f"{request.root / spec.files[0].path} is not unpacked: unzip it in its folder, so that the images lie "
                f"in {request.root / CELEBA_FOLDER}."
            )
        raise missing_error(spec, request.root)
    listed = _torchvision(spec, "CelebA", request.root, request.split)
    shape = fitted_shape(request, spec.shape or ())
    data = file_dataset(request, spec.name, request.root / CELEBA_FOLDER, list(map(Path, listed.filename)),
                        Decoder(*shape))  # fmt: skip
    names = [name for name in listed.attr_names if name]
    return with_attributes(data, names, listed.attr.float(), digest(listed.attr))


def fetch(spec: DatasetSpec, root: Path) -> None:
    """Let torchvision download CelebA from Google Drive (which needs the package gdown) and unpack it.

    Raises:
        DataMissingError: it could not; the message says what to put where by hand.
    """
    from torchvision import datasets

    root.mkdir(parents=True, exist_ok=True)
    try:
        datasets.CelebA(str(root), split="all", download=True)
    except Exception as error:  # network, quota of Google Drive, missing gdown, checksum: all have one way out
        raise DataMissingError(
            f"torchvision could not download {spec.name}: {error}\n{missing_error(spec, root)}\n"
            f"The archive then has to be unzipped, into {root / CELEBA_FOLDER}."
        ) from error


def _torchvision(spec: DatasetSpec, name: str, root: Path, split: str) -> Any:
    """An object of ``torchvision.datasets``, with its complaint about damaged files turned into ours."""
    from torchvision import datasets

    try:
        return getattr(datasets, name)(str(root), split=split)
    except (RuntimeError, OSError, ValueError) as error:
        raise DataError(
            f"torchvision refuses the files of {spec.name} below {root}: {error}. "
            f"'ganzoo data verify {spec.name}' says which are damaged."
        ) from error
