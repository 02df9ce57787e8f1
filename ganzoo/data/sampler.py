"""The order in which images are seen: an endless stream of shuffled epochs, known from its seed alone.

Nothing has to be saved to resume: the position is the number of images seen.
"""

import hashlib

import torch
from torch import Tensor


def derived_seed(*parts: object) -> int:
    """A 64-bit seed from any printable parts; near parts give unrelated seeds."""
    # torch's CPU generator takes 32 bits of its seed only, so seed + epoch would make neighbouring seeds share epochs.
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "little")


class Sampler:
    """Positions in an endless stream in which each ``count`` indices in turn are a permutation of 0 .. count - 1.

    Args:
        count: number of samples.
        seed: of the run.
        device: where indices are wanted. They are the same everywhere, and a GPU need not wait for them each time.
    """

    def __init__(self, count: int, seed: int, device: torch.device | None = None) -> None:
        if count < 1:
            raise ValueError(f"a sampler needs at least one sample, not {count}")
        self.count, self.seed, self.device = count, seed, device or torch.device("cpu")
        self._epochs: dict[int, Tensor] = {}

    def epoch(self, number: int) -> Tensor:
        """The permutation of epoch ``number``, int64 [count]."""
        if number not in self._epochs:
            # Two are kept, because a batch may lie across a boundary and the next one is looked up ahead.
            while len(self._epochs) > 1:
                del self._epochs[min(self._epochs)]
            generator = torch.Generator().manual_seed(derived_seed("epoch", self.seed, number))
            self._epochs[number] = torch.randperm(self.count, generator=generator).to(self.device)
        return self._epochs[number]

    def indices(self, start: int, n: int) -> Tensor:
        """The ``n`` indices from position ``start`` of the stream on, int64 [n]."""
        if start < 0 or n < 0:
            raise ValueError(f"position {start} and number {n} must not be negative")
        parts = []
        while n > 0:
            number, offset = divmod(start, self.count)
            part = self.epoch(number)[offset : offset + n]
            parts.append(part)
            start, n = start + len(part), n - len(part)
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64, device=self.device)
