"""CoGAN, arXiv:1606.07536: two generators that share their first layers, two discriminators that share their last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganzoo.plugin import (
    GAN,
    AdamOptions,
    Batch,
    ConfigError,
    Dataset,
    Discriminator,
    Game,
    Generator,
    Load,
    Options,
    State,
    downsampling,
    init_normal,
    option,
    square_side,
    upsampling,
)


@dataclass(frozen=True, kw_only=True)
class CoGANOptions(AdamOptions):
    """Settings of CoGAN. Defaults: arXiv:1606.07536, section 4, where networks are like DCGAN's."""

    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int = option(64, "feature maps at half the full resolution", at_least=1, at_most=8_192)


@dataclass(frozen=True, kw_only=True)
class Domain(Options):
    """Settings of sampling."""

    domain: Literal["first", "second"] = option("first", "which of the two pictures of a latent is drawn")


class PairGenerator(Generator):
    """Latents [N, latent_dim] to images [N, C, side, side] in [-1, 1] of two domains: all layers but the last are
    shared, so both pictures show the same thing."""

    Sampling = Domain

    def __init__(self, latent_dim: int, width: int, shapes: Sequence[Sequence[int]]) -> None:
        super().__init__(latent_dim)
        bodies = [upsampling(latent_dim, tuple(shape), width) for shape in shapes]
        self.shared = bodies[0][:-2]
        self.first, self.second = bodies[0][-2:], bodies[1][-2:]
        init_normal(self)

    def both(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """The two pictures of each latent."""
        maps = self.shared(latents[:, :, None, None])
        return self.first(maps), self.second(maps)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.first(self.shared(latents[:, :, None, None]))

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Domain) -> Tensor:
        return self(latents) if sampling.domain == "first" else self.both(latents)[1]


class Judge(Discriminator):
    """Images [N, C, side, side] to logits [N]: a first layer of its own, and those after it shared."""

    def __init__(self, own: nn.Module, shared: nn.Module) -> None:
        super().__init__()
        self.own, self.shared = own, shared

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.shared(self.own(samples)).flatten()


class CoGAN(GAN):
    """One game a domain. No pair is ever seen: what the networks share couples the two."""

    Options = CoGANOptions
    Sampling = Domain
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 25_000}
    tiny: ClassVar = {"width": 8}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        second = dataset.info.second
        assert second is not None, "it needs a second set"
        if dataset.info.shape[1:] != second.shape[1:]:
            a, b = ("x".join(map(str, shape[:0:-1])) for shape in (dataset.info.shape, second.shape))
            raise ConfigError(f"the two sets have images of {a} and {b}: -o resolution=N makes them alike.")

    def networks(self) -> dict[str, nn.Module]:
        assert self.data.second is not None, "it needs a second set"
        o, shapes = self.options, (self.data.shape, self.data.second.shape)
        bodies = [downsampling(shape[0], square_side(tuple(shape)), o.width) for shape in shapes]
        shared = bodies[0][2:]
        judges = [Judge(body[:2], shared) for body in bodies]
        for judge in judges:
            init_normal(judge)
        return {
            "generator": PairGenerator(o.latent_dim, o.width, shapes),
            "judge_a": judges[0],
            "judge_b": judges[1],
        }

    def games(self) -> tuple[Game, ...]:
        return (
            Game("generator", "judge_a", real="images", name="A"),
            Game("generator", "judge_b", real="second.images", name="B"),
        )

    def generated(self, state: State, batch: Batch, game: Game | None = None) -> Tensor:
        """Pictures of the game's domain, each game from latents of its own."""
        game = game or self.games()[0]
        generator = self.network(state, "generator", PairGenerator)
        return generator.both(generator.latents(len(batch[game.real])))[0 if game.real == "images" else 1]

    def preview(self, network: nn.Module) -> tuple[Tensor, int]:
        """Rows of the first domain, each above the same latents in the second."""
        assert isinstance(network, PairGenerator)
        rows, columns = 4, 8
        seed = self.config.seed + 1_000_003  # latents that training does not draw
        first = network.sample(rows * columns, seed=seed)
        second = network.sample(rows * columns, seed=seed, domain="second")
        channels = max(first.shape[1], second.shape[1])
        sides = [each.expand(-1, channels, -1, -1).unflatten(0, (rows, columns)) for each in (first, second)]
        return torch.stack(sides, 1).flatten(0, 2), columns
