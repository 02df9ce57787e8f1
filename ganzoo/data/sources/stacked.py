"""``stacked-mnist``: three digits of MNIST as the channels of one image, which makes 1,000 modes that can be counted:
arXiv:1611.02163, section 3.3.1."""

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.data.resize import check_request
from ganzoo.data.sources import idx
from ganzoo.data.specs import own_spec
from ganzoo.errors import ConfigError

COUNTS = {"train": 128_000, "test": 26_000}
"""Images: 128,000 as usual; for the test split as many as the usual protocol draws samples."""
SEED = 0
CLASSES = 1_000


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


def load(request: DataRequest) -> Dataset:
    """128,000 images of three digits of MNIST's training split, or 26,000 of its test split; always the same ones.

    Raises:
        ConfigError: other channels than three.
        DataMissingError: MNIST's files are not below ``request.root``.
        DataError: a file is damaged.
    """
    check_request(request, own_spec(request.name))
    if request.channels not in (None, 3):
        raise ConfigError(f"channels = {request.channels}: each of the three channels of {request.name!r} is a digit.")
    found = idx.load(replace(request, name="mnist", channels=None))
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
