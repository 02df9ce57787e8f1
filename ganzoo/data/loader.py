"""Batches on the training device: by position in the endless shuffled stream, or by index."""

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, MemorySource, Source, to_unit
from ganzoo.data.sampler import Sampler, derived_seed
from ganzoo.registry.specs import SECOND

Batch = dict[str, Tensor]
"""Fields by name: ``"images"`` [N, C, H, W] in [-1, 1] or samples of another kind, ``"labels"`` int64 [N] where the
data set has them, what more it has, and ``"second.NAME"`` of a second set."""


class BatchLoader:
    """What a variant draws its batches from.

    Args:
        dataset: the training data.
        seed: of the run; decides the order.
        device: where batches go.
        rank, size: of several processes that train together, each is given its part of every batch.

    Attributes:
        on_device: all fields lie on the device, so that picking some needs nothing of the host.
    """

    def __init__(self, dataset: Dataset, seed: int, device: torch.device, rank: int = 0, size: int = 1) -> None:
        self.device, self.rank, self.size = device, rank, size
        self.fields: dict[str, Source | Tensor] = {name: values.to(device) for name, values in dataset.fields.items()}
        self.source = self.fields["images"]
        # Of files the indices are wanted on the host, of samples that lie on the device there.
        sources = [values for values in self.fields.values() if not isinstance(values, Tensor)]
        here = all(isinstance(s, MemorySource) and s.samples.device.type == device.type for s in sources)
        self.second = None
        if dataset.second:
            # Its own order: otherwise the two sets would be paired by chance, and always in the same way.
            self.second = BatchLoader(dataset.second, derived_seed("second", seed), device, rank, size)
        self.on_device = here and self.second is None
        self._sampler = Sampler(len(dataset.source), seed, device if here else None)
        self._ahead, self._ahead_of = torch.empty(0, dtype=torch.int64), -1

    def draw(self, start: int, n: int) -> Batch:
        """The ``n`` samples from position ``start`` of the stream on; those after them are read ahead."""
        batch = self.pick(self.indices(start, n))
        self._ahead, self._ahead_of = self._sampler.indices(start + n, n), start + n
        for values in self.fields.values():
            if not isinstance(values, Tensor):
                values.prefetch(self.own(self._ahead))
        if self.second:
            batch |= {f"{SECOND}{name}": values for name, values in self.second.draw(start, n).items()}
        return batch

    def indices(self, start: int, n: int) -> Tensor:
        """Of the ``n`` samples from position ``start`` on, int64 [n], on the device if the samples are there."""
        return self._ahead if self._ahead_of == start and len(self._ahead) == n else self._sampler.indices(start, n)

    def own(self, indices: Tensor) -> Tensor:
        """This rank's part of indices: all of them where there is but one."""
        begin, end = (len(indices) * r // self.size for r in (self.rank, self.rank + 1))
        return indices[begin:end]

    def pick(self, indices: Tensor) -> Batch:
        """The samples with these indices, int64 [N], of the first set; several ranks get their parts, in order."""
        indices = self.own(indices)
        here = indices.to(self.device, non_blocking=True)
        return {
            name: values[here] if isinstance(values, Tensor) else self._fetched(values, indices)
            for name, values in self.fields.items()
        }

    def _fetched(self, source: Source, indices: Tensor) -> Tensor:
        """Samples of a source on the device: images in [-1, 1], others as they are."""
        samples = source.fetch(indices)
        if samples.device.type == "cpu" and self.device.type == "cuda":
            samples = samples.pin_memory()  # so that the host need not wait until they are sent
        values = to_unit(samples.to(self.device, non_blocking=True))
        return values.contiguous(memory_format=torch.channels_last) if values.dim() == 4 else values

    def close(self) -> None:
        """Stop what reads ahead."""
        for values in self.fields.values():
            if not isinstance(values, Tensor):
                values.close()
        if self.second:
            self.second.close()
