"""MNIST, Fashion-MNIST and whatever else comes as IDX files (http://yann.lecun.com/exdb/mnist/), read with NumPy.

The layout is torchvision's: ``MNIST/raw/train-images-idx3-ubyte``, unpacked or as ``.gz``.

``stacked-mnist`` has three digits of MNIST as the channels of one image, which makes 1,000 modes that can be counted:
arXiv:1611.02163, section 3.3.1.
"""

import gzip
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.resize import check_request, image_dataset
from ganzoo.data.specs import own_spec
from ganzoo.data.store import require
from ganzoo.errors import ConfigError, DataError

UNSIGNED_BYTE = 0x08
AGAIN = "Delete it and get it again with 'ganzoo data fetch'."
FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
PREFIXES = {"train": "train", "test": "t10k"}


def read_idx(path: Path, dimensions: int) -> Tensor:
    """An IDX file of unsigned bytes, packed or not, as uint8 with so many ``dimensions``.

    Raises:
        DataError: it is not such a file, or is shorter or longer than its header says.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if path.suffix == ".gz":
        data = _gunzip(data, path)
    header = 4 + 4 * dimensions
    if len(data) < header:
        raise DataError(f"{path} is cut short: {len(data):,} bytes, and the header alone has {header}. {AGAIN}")
    magic = data[:4]
    if magic != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
        raise DataError(
            f"{path} is no IDX file of unsigned bytes with {dimensions} dimensions: it begins with 0x{magic.hex()}, "
            f"expected 0x0000{UNSIGNED_BYTE:02x}{dimensions:02x}. {AGAIN}"
        )
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, offset=4))
    expected, found = int(np.prod(shape, dtype=object)), len(data) - header
    if found != expected:
        what = "cut short" if found < expected else "too long"
        raise DataError(
            f"{path} is {what}: its header announces {'x'.join(map(str, shape))} = {expected:,} bytes, "
            f"found {found:,}. {AGAIN}"
        )
    # A copy, because a tensor must not share memory that Python believes constant.
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=header).reshape(shape).copy())


def _gunzip(data: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} ({len(data):,} bytes) cannot be unpacked: {error}. {AGAIN}") from error


def load(request: DataRequest) -> Dataset:
    """MNIST or Fashion-MNIST with its labels.

    Raises:
        DataMissingError: its files are not below ``request.root``.
        DataError: a file is damaged, or images and labels do not belong together.
    """
    spec = own_spec(request.name)
    check_request(request, spec)
    stem = f"{FOLDERS[spec.name]}/raw/{PREFIXES[request.split]}"
    image_path, label_path = require(
        spec, request.root, [f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"], request.progress
    )
    images, labels = read_idx(image_path, 3), read_idx(label_path, 1).long()
    classes = spec.classes or ()
    if len(images) != len(labels):
        raise DataError(f"{image_path} holds {len(images):,} images, but {label_path} {len(labels):,} labels.")
    if len(images) == 0:
        raise DataError(f"{image_path} holds no images.")
    if int(labels.max()) >= len(classes):
        raise DataError(f"{label_path} holds the label {int(labels.max())}; {spec.name} has 0 to {len(classes) - 1}.")
    return image_dataset(request, images[:, None], labels, classes)


COUNTS = {"train": 128_000, "test": 26_000}
"""Images: 128,000 as usual; for the test split as many as the usual protocol draws samples."""
SEED = 0


class StackedSource:
    """Triples of digits, put together when they are asked for."""

    def __init__(self, digits: Tensor, triples: Tensor) -> None:
        self.digits, self.triples = digits, triples

    def __len__(self) -> int:
        return len(self.triples)

    def fetch(self, indices: Tensor) -> Tensor:
        """uint8 images [N, 3, H, W]."""
        chosen = self.triples[indices.to(self.triples.device)]
        return self.digits.index_select(0, chosen.flatten()).unflatten(0, (-1, 3))

    def prefetch(self, indices: Tensor) -> None:
        """Everything is in memory."""

    def to(self, device: torch.device) -> "StackedSource":
        return StackedSource(self.digits.to(device), self.triples.to(device))

    def close(self) -> None:
        """Nothing is open."""


def load_stacked(request: DataRequest) -> Dataset:
    """128,000 images of three digits of MNIST's training split, or 26,000 of its test split; always the same ones.

    Raises:
        ConfigError: other channels than three.
        DataMissingError: MNIST's files are not below ``request.root``.
        DataError: a file is damaged.
    """
    check_request(request, own_spec(request.name))
    if request.channels not in (None, 3):
        raise ConfigError(f"channels = {request.channels}: each of the three channels of {request.name!r} is a digit.")
    found = load(replace(request, name="mnist", channels=None))
    digits = found.source.fetch(torch.arange(len(found.source)))[:, 0]
    rng = torch.Generator().manual_seed(SEED)
    triples = torch.randint(len(digits), (COUNTS[request.split], 3), generator=rng)
    source = StackedSource(digits, triples)
    info = DataInfo(
        name=request.name,
        kind="images",
        shape=(3, *digits.shape[1:]),
        count=len(triples),
        split=request.split,
        digest=digest(digits, triples),
    )
    return Dataset(info, {"images": source})
