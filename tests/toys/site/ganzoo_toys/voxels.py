"""3D-GAN, arXiv:1610.07584, in small: the same game on voxels [N, C, D, H, W]."""

from torch import Tensor, nn

from ganzoo.plugin import GAN, Discriminator, Generator
from ganzoo_toys.networks import LATENT


class Builder(Generator):
    """Latents to voxels, by transposed convolutions of three dimensions."""

    def __init__(self, channels: int, side: int, width: int = 8) -> None:
        super().__init__(LATENT)
        self.first = nn.Linear(LATENT, width * (side // 2) ** 3)
        self.body = nn.Sequential(nn.ReLU(), nn.ConvTranspose3d(width, channels, 4, 2, 1), nn.Tanh())
        self.shape = (width, side // 2, side // 2, side // 2)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(self.first(latents).unflatten(1, self.shape))


class Inspector(Discriminator):
    """Voxels to logits [N]."""

    independent = True

    def __init__(self, channels: int, side: int, width: int = 8) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten())
        self.head = nn.Linear(width * (side // 2) ** 3, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.body(samples))[:, 0]


class VoxelGAN(GAN):
    """Nothing but networks."""

    defaults = {"loss": "non-saturating", "batch_size": 4, "steps": 100}

    def networks(self) -> dict[str, nn.Module]:
        channels, side, *_ = self.data.shape
        return {"generator": Builder(channels, side), "discriminator": Inspector(channels, side)}
