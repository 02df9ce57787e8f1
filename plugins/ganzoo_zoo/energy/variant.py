"""EBGAN, arXiv:1609.03126, and BEGAN, arXiv:1703.10717: what is hard to encode is not real."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from ganzoo.plugin import GAN, AdamOptions, Batch, Game, Losses, State, Update, option
from ganzoo_zoo.energy.networks import AutoEncoder, DecodingGenerator, Distance


@dataclass(frozen=True, kw_only=True)
class EnergyOptions(AdamOptions):
    """Settings that both have. Defaults: best of a few on MNIST; ``began --preset paper`` has arXiv:1703.10717's."""

    lr: float = option(1e-3, "Adam's step size", above=0)
    latent_dim: int = option(64, "length of a latent vector, and of the autoencoder's code", at_least=1, at_most=65_536)
    width: int = option(32, "feature maps at the largest side; BEGAN's paper: 64 to 128", at_least=1, at_most=8_192)
    stem: Literal[1, 2, 4] = option(
        2, "side of the patches of pixels that D reads and G writes; 1, as in BEGAN's paper, is dearest"
    )
    pull_away: float = option(0.1, "weight of the pull-away term in G's loss (equation 4); 0: none", at_least=0)


@dataclass(frozen=True, kw_only=True)
class EBGANOptions(EnergyOptions):
    """Settings of EBGAN."""

    margin: float = option(0.3, "energy from which a generated sample no longer teaches D (equation 1)", above=0)


@dataclass(frozen=True, kw_only=True)
class BEGANOptions(EnergyOptions):
    """Settings of BEGAN."""

    diversity: float = option(
        0.95, "gamma: energy of generated samples that is held, as a share of that of real ones; less is less varied",
        above=0, at_most=1,
    )  # fmt: skip
    gain: float = option(0.05, "lambda_k: how fast k follows (equation 5)", above=0)
    pull_away: float = option(
        0.3,
        "weight of the pull-away term in G's loss (arXiv:1609.03126, equation 4); 0: none, as in the paper",
        at_least=0,
    )


class Energetic(GAN):
    """What both share: networks, and energies, which are minus the logits."""

    tiny: ClassVar = {"width": 4, "latent_dim": 8}
    supports = ("diffaugment", "instance_noise", "spectral_norm")
    distance: ClassVar[Distance] = "l1"

    def networks(self) -> dict[str, nn.Module]:
        o, shape = self.options, self.data.shape
        return {
            "generator": DecodingGenerator(o.latent_dim, o.width, shape, o.stem),
            "discriminator": AutoEncoder(o.latent_dim, o.width, shape, type(self).distance, o.stem),
        }

    def energies(self, state: State, batch: Batch, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Mean energies of real and of generated samples."""
        real_logits, fake_logits = self.discriminate_both(state, batch["images"], fake, batch)
        assert isinstance(real_logits, Tensor), "one head"
        assert isinstance(fake_logits, Tensor), "one head"
        return -real_logits, -fake_logits

    def energy_and_total(self, state: State, fake: Tensor) -> tuple[Tensor, Losses]:
        """Mean energy of generated samples; and G's loss, which is that energy and the pull-away term of the codes."""
        discriminator, seen = self.network(state, "discriminator", AutoEncoder), self.augment(state, fake)
        codes = discriminator.encoder(seen)
        energy = discriminator.energy(seen, codes).float().mean()
        if not self.options.pull_away:
            return energy, {"total": energy}
        apart = pull_away(codes.float())
        return energy, {"pull_away": apart, "total": energy + self.options.pull_away * apart}

    def made(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None) -> Tensor:
        """The given generated samples, or new ones."""
        fake = (generated or {}).get("generator")
        return self.generated(state, batch, Game()) if fake is None else fake


class EBGAN(Energetic):
    """Real samples get a low energy, generated ones a high one, up to a margin."""

    Options = EBGANOptions
    distance = "l2"
    defaults = {"batch_size": 64, "steps": 10_000}

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Equation 1."""
        with torch.no_grad():
            fake = self.made(state, batch, generated)
        real_energy, fake_energy = self.energies(state, batch, fake.detach())
        total = real_energy.mean() + relu(self.options.margin - fake_energy).mean()
        return {"energy_real": real_energy.mean(), "energy_fake": fake_energy.mean(), "total": total}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Equation 2, and the pull-away term of the codes (equation 4)."""
        return self.energy_and_total(state, self.made(state, batch, generated))[1]


def pull_away(codes: Tensor) -> Tensor:
    """Mean squared cosine between the codes [N, F] of different samples: arXiv:1609.03126, equation 4."""
    n = len(codes)
    cosines = normalize(codes) @ normalize(codes).T
    return (cosines.square().sum() - cosines.diagonal().square().sum()) / max(1, n * (n - 1))


class BEGAN(Energetic):
    """How much generated samples count for D is controlled, so that their energy stays a share of the real ones'."""

    Options = BEGANOptions
    distance = "l1"
    defaults = {"batch_size": 16, "steps": 20_000, "lr_schedule": "linear"}
    presets: ClassVar = {
        "paper": {"lr": 1e-4, "width": 128, "stem": 1, "diversity": 0.5, "gain": 0.001, "pull_away": 0.0},
    }

    def memory(self) -> dict[str, Tensor]:
        return {"k": torch.zeros(()), "energy_real": torch.zeros(())}

    def updates(self) -> tuple[Update, ...]:
        after = {"discriminator": self.remember, "generator": self.balance}
        return tuple(replace(update, after=after.get(update.name)) for update in super().updates())

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Equation 5, first line."""
        with torch.no_grad():
            fake = self.made(state, batch, generated)
        real_energy, fake_energy = (energy.mean() for energy in self.energies(state, batch, fake.detach()))
        return {"energy_real": real_energy, "total": real_energy - state.memory["k"] * fake_energy}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Equation 5, second line, with what the history shows: k, and the measure of convergence (section 3.4.1)."""
        energy, losses = self.energy_and_total(state, self.made(state, batch, generated))
        real = state.memory["energy_real"]
        off = self.options.diversity * real - energy.detach()
        return {
            "energy_fake": energy,
            "off": off,
            "k": state.memory["k"],
            "convergence": real + off.abs(),
            **losses,
        }

    def remember(self, state: State, losses: Losses) -> None:
        """The energy of the real samples, for G's step."""
        state.memory["energy_real"].copy_(losses["energy_real"])

    def balance(self, state: State, losses: Losses) -> None:
        """Equation 5, third line."""
        state.memory["k"].add_(self.options.gain * losses["off"]).clamp_(0, 1)
