"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), the binary version: fixed-length records, no pickle.

A record is one label byte (CIFAR-100: coarse, then fine; the fine one is used) and 3,072 bytes, planes R, G, B.

A file of whole records but fewer than published is loaded, with a warning, because part of a test set is of use as
well; ``DataInfo.count`` says how many there are, and ``ganzoo data verify`` reports the file as damaged. A file that
ends within a record is refused.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.resize import check_request, image_dataset
from ganzoo.data.specs import own_spec
from ganzoo.data.store import require
from ganzoo.errors import DataError

PIXEL_BYTES = 3 * 32 * 32
LABEL_BYTES = {"cifar10": 1, "cifar100": 2}
FILES = {
    ("cifar10", "train"): [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)],
    ("cifar10", "test"): ["cifar-10-batches-bin/test_batch.bin"],
    ("cifar100", "train"): ["cifar-100-binary/train.bin"],
    ("cifar100", "test"): ["cifar-100-binary/test.bin"],
}
PUBLISHED = {"train": 50_000, "test": 10_000}


def read_records(path: Path, label_bytes: int, classes: int) -> tuple[Tensor, Tensor]:
    """Images uint8 [N, 3, 32, 32] and labels int64 [N] of a file; of two label bytes the second is the label.

    Raises:
        DataError: the file is empty, ends within a record, or has a label that is not a class.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    record = label_bytes + PIXEL_BYTES
    count, rest = divmod(len(data), record)
    if rest or count == 0:
        raise DataError(
            f"{path} is cut short: {len(data):,} bytes are {count:,} records of {record:,} bytes and {rest:,} bytes "
            f"more, expected {(count + 1) * record:,} bytes or another multiple of {record:,}. "
            "Delete it and get it again with 'ganzoo data fetch'."
        )
    records = data.reshape(count, record)
    labels = torch.from_numpy(records[:, label_bytes - 1].astype(np.int64))
    if int(labels.max()) >= classes:
        raise DataError(
            f"{path} holds the label {int(labels.max())}, expected 0 to {classes - 1}: it is not the binary version "
            f"of CIFAR-{classes}, or damaged."
        )
    return torch.from_numpy(records[:, label_bytes:].reshape(count, 3, 32, 32)), labels


def load(request: DataRequest) -> Dataset:
    """CIFAR-10, or CIFAR-100 with its fine labels.

    Raises:
        DataMissingError: its files are not below ``request.root``.
        DataError: a file is damaged.
    """
    spec = own_spec(request.name)
    check_request(request, spec)
    classes = spec.classes or ()
    paths = require(spec, request.root, FILES[spec.name, request.split], request.progress)
    parts = [read_records(path, LABEL_BYTES[spec.name], len(classes)) for path in paths]
    images, labels = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
    if len(images) != PUBLISHED[request.split] and request.split == spec.splits[0]:
        raise DataError(
            f"{spec.name} {request.split} holds {len(images):,} of {PUBLISHED[request.split]:,} images: a file is cut "
            f"short. 'ganzoo data verify {spec.name}' names it."
        )
    if len(images) != PUBLISHED[request.split]:
        warnings.warn(
            f"{spec.name} {request.split} holds {len(images):,} of {PUBLISHED[request.split]:,} images here: "
            "scores against it do not compare with published ones.",
            DataWarning,
            stacklevel=2,
        )
    return image_dataset(request, images, labels, classes)
