"""Some of the samples of another source, each as often as it is named."""

import torch
from torch import Tensor

from ganzoo.data.base import Source


class Chosen:
    """The samples of another source at these indices int64 [N], in their order."""

    def __init__(self, source: Source, indices: Tensor) -> None:
        self.source, self.indices = source, indices

    def __len__(self) -> int:
        return len(self.indices)

    def fetch(self, indices: Tensor) -> Tensor:
        return self.source.fetch(self.indices[indices.cpu()])

    def prefetch(self, indices: Tensor) -> None:
        self.source.prefetch(self.indices[indices.cpu()])

    def to(self, device: torch.device) -> "Chosen":
        return Chosen(self.source.to(device), self.indices)

    def close(self) -> None:
        self.source.close()
