"""Batches on the training device: by position in the endless shuffled stream, or by index."""

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, MemorySource, to_unit
from ganzoo.data.sampler import Sampler

Batch = dict[str, Tensor]
"""``"images"`` [N, C, H, W] in [-1, 1] or points [N, D]; ``"labels"`` int64 [N] where the data set has them."""


class BatchLoader:
    """What a variant draws its batches from.

    Args:
        dataset: the training data.
        seed: of the run; decides the order.
        device: where batches go.
        rank, size: of several processes that train together, each is given its part of every batch.

    Attributes:
        on_device: all samples lie on the device, so that picking some needs nothing of the host.
    """

    def __init__(self, dataset: Dataset, seed: int, device: torch.device, rank: int = 0, size: int = 1) -> None:
        self.device, self.rank, self.size = device, rank, size
        self.source = dataset.source.to(device)
        self.labels = None if dataset.labels is None else dataset.labels.to(device)
        # Of files the indices are wanted on the host, of samples that lie on the device there.
        self.on_device = isinstance(self.source, MemorySource) and self.source.samples.device.type == device.type
        self._sampler = Sampler(len(dataset.source), seed, device if self.on_device else None)
        self._ahead, self._ahead_of = torch.empty(0, dtype=torch.int64), -1

    def draw(self, start: int, n: int) -> Batch:
        """The ``n`` samples from position ``start`` of the stream on; those after them are read ahead."""
        batch = self.pick(self.indices(start, n))
        self._ahead, self._ahead_of = self._sampler.indices(start + n, n), start + n
        self.source.prefetch(self.own(self._ahead))
        return batch

    def indices(self, start: int, n: int) -> Tensor:
        """Of the ``n`` samples from position ``start`` on, int64 [n], on the device if the samples are there."""
        return self._ahead if self._ahead_of == start and len(self._ahead) == n else self._sampler.indices(start, n)

    def own(self, indices: Tensor) -> Tensor:
        """This rank's part of indices: all of them where there is but one."""
        begin, end = (len(indices) * r // self.size for r in (self.rank, self.rank + 1))
        return indices[begin:end]

    def pick(self, indices: Tensor) -> Batch:
        """The samples with these indices, int64 [N]; of several ranks each gets its part of them, in order."""
        indices = self.own(indices)
        samples = self.source.fetch(indices)
        if samples.device.type == "cpu" and self.device.type == "cuda":
            samples = samples.pin_memory()  # so that the host need not wait until they are sent
        images = to_unit(samples.to(self.device, non_blocking=True))
        if images.dim() == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        batch = {"images": images}
        if self.labels is not None:
            batch["labels"] = self.labels[indices.to(self.device, non_blocking=True)]
        return batch

    def close(self) -> None:
        """Stop what reads ahead."""
        self.source.close()
