"""WaveGAN, arXiv:1802.04208, in small: the same game on sounds [N, C, L]."""

from torch import Tensor, nn

from ganzoo.plugin import GAN, Discriminator, Generator
from ganzoo_toys.networks import LATENT


class Synthesiser(Generator):
    """Latents to sounds, by transposed convolutions of one dimension."""

    def __init__(self, channels: int, length: int, width: int = 8) -> None:
        super().__init__(LATENT)
        self.first = nn.Linear(LATENT, width * length // 4)
        self.body = nn.Sequential(nn.ReLU(), nn.ConvTranspose1d(width, channels, 8, 4, 2), nn.Tanh())
        self.width = width

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(self.first(latents).unflatten(1, (self.width, -1)))


class Listener(Discriminator):
    """Sounds to logits [N]."""

    independent = True

    def __init__(self, channels: int, length: int, width: int = 8) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(channels, width, 8, 4, 2), nn.LeakyReLU(0.2), nn.Flatten())
        self.head = nn.Linear(width * length // 4, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples))[:, 0]


class WaveGAN(GAN):
    """Nothing but networks."""

    defaults = {"loss": "hinge", "batch_size": 4, "steps": 100}

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": Synthesiser(*self.data.shape), "discriminator": Listener(*self.data.shape)}
