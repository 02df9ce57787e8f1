"""Networks of VAE/GAN: an encoder that gives a normal distribution of latents, and a D whose features are compared."""

from collections.abc import Sequence

from torch import Tensor, nn

from ganzoo.plugin import ConfigError
from ganzoo_zoo.networks import ConvDiscriminator, ConvEncoder, with_labels


class GaussianEncoder(ConvEncoder):
    """Images [N, *shape] to the means [N, latent_dim] of their latents."""

    def __init__(self, latent_dim: int, width: int, shape: Sequence[int]) -> None:
        super().__init__(latent_dim, width, shape, outputs=2 * latent_dim)

    def distribution(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Means and logarithms of variances, both float32 [N, latent_dim]."""
        mean, log_variance = self.body(samples).float().chunk(2, dim=1)
        return mean, log_variance

    def forward(self, samples: Tensor) -> Tensor:
        return self.body(samples)[:, : self.latent_dim]


class FeatureDiscriminator(ConvDiscriminator):
    """DCGAN's discriminator, which also gives what one of its layers sees.

    Args:
        layer: the strided convolution, counted from 1, after whose activation features are taken; None: the last
            hidden one.

    Raises:
        ConfigError: there is no such hidden layer.
    """

    def __init__(self, width: int, shape: Sequence[int], classes: int = 0, layer: int | None = None) -> None:
        super().__init__(width, shape, classes)
        ends = [i for i, module in enumerate(self.body, 1) if isinstance(module, nn.LeakyReLU)]
        if layer is not None and layer > len(ends):
            raise ConfigError(
                f"layer = {layer}: images of this size have {len(ends)} hidden layers in D: 1 to {len(ends)}."
            )
        self.cut = ends[-1 if layer is None else layer - 1]

    def features(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        """What the layer gives: float32 [N, F]."""
        return self.body[: self.cut](with_labels(samples, condition, self.classes)).flatten(1).float()
