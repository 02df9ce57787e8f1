"""AnoGAN, arXiv:1703.05921, and f-AnoGAN, Schlegl et al. 2019, Medical Image Analysis 54: GANs of what is normal, and
scorers that say how far an image is from what they can draw."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn.functional import mse_loss

from ganzoo.plugin import GAN, AdamOptions, Batch, Losses, Stage, State, option
from ganzoo_zoo.anomaly.networks import EncodedScorer, Search, SearchScorer
from ganzoo_zoo.encoders import game_then_encoder
from ganzoo_zoo.networks import ConvDiscriminator, ConvEncoder, ConvGenerator


@dataclass(frozen=True, kw_only=True)
class AnoGANOptions(AdamOptions):
    """Settings of AnoGAN. Networks and steps are those of DCGAN."""

    lr: float = option(5e-4, "Adam's step size", above=0)
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        32, "feature maps at half the full resolution; doubled at each smaller one", at_least=1, at_most=8_192
    )
    feature_weight: float = option(
        0.1, "lambda: share of the loss of features in the score, the rest is that of pixels (equation 5)", at_least=0,
        at_most=1,
    )  # fmt: skip
    search_steps: int = option(
        500, "steps of gradient descent in the latent for each image that is scored", at_least=0, at_most=100_000
    )
    search_lr: float = option(0.05, "Adam's step size in that search", above=0)


class AnoGAN(GAN):
    """A DCGAN. Scoring trains nothing: it searches the latent whose image is most like the one given."""

    Options = AnoGANOptions
    Scoring = Search
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 20_000}
    tiny: ClassVar = {"width": 4, "latent_dim": 8, "search_steps": 3}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        generator, judge = ConvGenerator(o.latent_dim, o.width, shape), ConvDiscriminator(o.width, shape)
        scorer = SearchScorer(generator, judge, o.feature_weight, o.search_steps, o.search_lr)
        return {"generator": generator, "discriminator": judge, "scorer": scorer}

    def exports(self) -> dict[str, str]:
        return {"generator": "generator", "scorer": "scorer"}


@dataclass(frozen=True, kw_only=True)
class FAnoGANOptions(AdamOptions):
    """Settings of f-AnoGAN."""

    lr: float = option(5e-4, "Adam's step size", above=0)
    beta1: float = option(0.0, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.9, "Adam's decay of the mean of squared gradients", at_least=0, below=1)
    latent_dim: int = option(128, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(
        16, "feature maps at half the full resolution; doubled at each smaller one", at_least=1, at_most=8_192
    )
    encoder_share: float = option(
        0.35, "share of the steps, the last ones, in which the encoder is trained and nothing else", above=0, below=1
    )
    kappa: float = option(1.0, "weight of the residual of D's features in loss and score", at_least=0)


class FAnoGAN(GAN):
    """A Wasserstein GAN with gradient penalty first; then an encoder, while generator and critic stand still.

    An iteration of the first stage is one step of the critic, as in ``wgan-gp``; ``steps`` counts both stages.
    """

    Options = FAnoGANOptions
    defaults = {"loss": "wasserstein", "batch_size": 64, "steps": 40_000, "gradient_penalty": 10.0, "d_steps": 2}
    tiny: ClassVar = {"width": 4, "latent_dim": 8, "encoder_share": 0.4}

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        generator, judge = ConvGenerator(o.latent_dim, o.width, shape), ConvDiscriminator(o.width, shape, norm=False)
        # Averaged weights do not fit averaged statistics: with batch normalisation scores were five times too large.
        encoder = ConvEncoder(o.latent_dim, o.width, shape, norm=False)
        scorer = EncodedScorer(generator, encoder, judge, o.kappa)
        return {"generator": generator, "discriminator": judge, "encoder": encoder, "scorer": scorer}

    def players(self) -> dict[str, tuple[str, ...]]:
        return {**super().players(), "encoder": ("encoder",)}

    def exports(self) -> dict[str, str]:
        return {"generator": "generator", "scorer": "scorer", "encoder": "encoder"}

    def stages(self) -> list[Stage]:
        """The scorer holds generator, critic and encoder: all of them become their averages."""
        steps, share = self.config.steps, self.options.encoder_share
        return game_then_encoder(steps, share, self.updates(), self.encoder_loss, frozen="scorer")

    def encoder_loss(self, state: State, batch: Batch) -> Losses:
        """The loss of izi_f training: mean squares of x - G(E(x)), and kappa times of f(x) - f(G(E(x)))."""
        images, scorer = batch["images"], self.network(state, "scorer", EncodedScorer)
        for frozen in (scorer.generator, scorer.features):
            frozen.eval()  # running statistics stand still too
        restored = scorer.generator(scorer.encoder(images)).float()
        of_pixels = mse_loss(restored, images)
        of_features = mse_loss(scorer.features(restored).float(), scorer.features(images).float())
        total = of_pixels + self.options.kappa * of_features
        return {"total": total, "of_pixels": of_pixels.detach(), "of_features": of_features.detach()}
