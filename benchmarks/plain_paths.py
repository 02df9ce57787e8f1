"""Fast paths taken away: what they are held to in the tests, and measured against."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate

import ganzoo.training.loop
from ganzoo.models.adversarial import GAN
from ganzoo.models.blocks import PooledConv2d, UpsampledConv2d
from ganzoo.models.state import State
from ganzoo.models.variant import fused


@contextmanager
def plain_paths() -> Iterator[None]:
    """Fast paths taken away: memory layout, fused optimizers, folded layers, one pass for real and generated.

    What is left computes the same and takes longer: what fast paths are held to, and measured against. Dropout keeps
    its random numbers (:class:`ganzoo.models.blocks.Dropout`), because those of torch's would be others.
    """

    def upsampled(self: Any, maps: Tensor) -> Tensor:
        return conv2d(interpolate(maps, scale_factor=2, mode="nearest"), self.weight, self.bias, padding=1)

    def pooled(self: Any, maps: Tensor) -> Tensor:
        return avg_pool2d(conv2d(maps, self.weight, self.bias, padding=1), 2)

    def is_fast(module: Any) -> bool:
        return vars(module).get("fused") is fused

    with ExitStack() as stack:

        def replace(place: Any, name: str, value: Any) -> None:
            stack.callback(setattr, place, name, vars(place)[name])
            setattr(place, name, value)

        replace(UpsampledConv2d, "forward", upsampled)
        replace(PooledConv2d, "forward", pooled)
        replace(ganzoo.training.loop, "layout", lambda network: network)
        replace(GAN, "discriminate_both", apart)
        for module in [module for module in sys.modules.values() if module and is_fast(module)]:
            replace(module, "fused", lambda parameters: False)  # plugins import it by name
        yield


def apart(
    variant: GAN, state: State, real: Tensor, fake: Tensor, batch: dict[str, Tensor], game: Any = None
) -> tuple[Any, Any]:
    """Logits of real and of generated samples, each in its own pass."""
    return variant.discriminate(state, real, batch, game), variant.discriminate(state, fake, batch, game)
