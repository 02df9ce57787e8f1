from torch import Tensor

from ganzoo.plugin import Loss


class TotalVariation(Loss):
    """f-GAN with g(v) = tanh(v) / 2 and f*(t) = t: arXiv:1606.00709, table 6."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake.tanh().mean() - real.tanh().mean()) / 2

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.tanh().mean() / 2
