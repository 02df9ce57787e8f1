"""A pool of past samples in ``State.memory``, as arXiv:1612.07828, section 2.3, and CycleGAN use it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.models.state import State


def replay_memory(name: str, size: int, shape: Sequence[int]) -> dict[str, Tensor]:
    """The entries of ``Variant.memory`` for a pool of ``size`` samples of this shape; 0 makes an empty pool."""
    return {name: torch.zeros(size, *shape), f"{name}.count": torch.zeros((), dtype=torch.int64)}


@torch.no_grad()
def replay(state: State, name: str, samples: Tensor) -> Tensor:
    """What a discriminator is shown instead of ``samples`` [N, *shape]: half of them, and half from the pool.

    Until the pool is full each sample is kept and returned. From then on each is returned as it is with probability
    one half; otherwise it takes the place of a random one in the pool, which is returned. The pool changes in place.
    """
    pool, count = state.memory[name], state.memory[f"{name}.count"]
    if not len(pool):
        return samples.detach()
    shown = []
    for sample in samples.detach():
        if int(count) < len(pool):
            pool[int(count)] = sample
            count += 1
            shown.append(sample)
        elif float(torch.rand(())) < 0.5:
            place = int(torch.randint(len(pool), ()))
            shown.append(pool[place].clone())
            pool[place] = sample
        else:
            shown.append(sample)
    return torch.stack(shown)
