"""ebgan and began: energies, the margin, the pull-away term, the balance."""

import pytest
import torch
from torch import Tensor

from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo
from ganzoo.models.load import load_variant
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo_zoo.energy.networks import AutoEncoder, DecodingGenerator
from ganzoo_zoo.energy.variant import BEGAN, EBGAN, pull_away

DATA = DataInfo("digits", "images", (1, 16, 16))


def made(name: str, **options: object) -> tuple[Variant, State, dict[str, Tensor]]:
    torch.manual_seed(0)
    variant_class = load_variant(name)
    config: RunConfig = resolve(name, variant_class.Options, {"dataset": "x"}, variant_class.defaults, options)
    variant = variant_class(config, DATA, None)
    state = State(variant.build(), {}, {}, variant.memory())
    return variant, state, {"images": torch.rand(6, 1, 16, 16) * 2 - 1}


@pytest.mark.parametrize("stem", [1, 2, 4])
@pytest.mark.parametrize("side", [8, 15, 28, 32, 45])
def test_images_have_any_side(side: int, stem: int) -> None:
    images = DecodingGenerator(8, 4, (3, side, side), stem)(torch.rand(2, 8))
    assert images.shape == (2, 3, side, side)
    assert AutoEncoder(8, 4, (3, side, side), "l1", stem)(images).shape == (2,)


def energy(state: State, images: Tensor, power: int) -> Tensor:
    network = state.networks["discriminator"]
    return (network.decoder(network.encoder(images)) - images).abs().pow(power).mean((1, 2, 3))


def test_ebgan_is_equations_1_and_2_with_the_pull_away_term() -> None:
    variant, state, batch = made("ebgan", width=2, margin=0.5, pull_away=0.25)
    assert isinstance(variant, EBGAN)
    fake = torch.rand(6, 1, 16, 16) * 2 - 1
    real_energy, fake_energy = energy(state, batch["images"], 2), energy(state, fake, 2)
    found = variant.discriminator_loss(state, batch, {"generator": fake})["total"]
    torch.testing.assert_close(found, real_energy.mean() + (0.5 - fake_energy).clamp(min=0).mean())
    found = variant.generator_loss(state, batch, {"generator": fake})["total"]
    torch.testing.assert_close(
        found, fake_energy.mean() + 0.25 * pull_away(state.networks["discriminator"].encoder(fake))
    )


def test_the_pull_away_term_is_the_mean_squared_cosine_of_different_samples() -> None:
    codes = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    assert float(pull_away(codes)) == pytest.approx((0 + 0.5 + 0 + 0.5 + 0.5 + 0.5) / 6)
    assert float(pull_away(torch.ones(4, 3))) == pytest.approx(1)
    assert float(pull_away(torch.ones(1, 3))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_began_keeps_the_balance_of_equation_5(weight: float) -> None:
    variant, state, batch = made("began", width=2, diversity=0.7, gain=0.5, pull_away=weight)
    assert isinstance(variant, BEGAN)
    fake = torch.rand(6, 1, 16, 16) * 2 - 1
    real_energy, fake_energy = (float(energy(state, images, 1).mean().detach()) for images in (batch["images"], fake))
    state.memory["k"].fill_(0.25)
    losses = variant.discriminator_loss(state, batch, {"generator": fake})
    assert float(losses["total"].detach()) == pytest.approx(real_energy - 0.25 * fake_energy, rel=1e-5)
    variant.remember(state, {name: value.detach() for name, value in losses.items()})  # as the trainer gives them
    losses = variant.generator_loss(state, batch, {"generator": fake})
    off = 0.7 * real_energy - fake_energy
    apart = weight * float(pull_away(state.networks["discriminator"].encoder(fake)).detach())
    assert float(losses["total"].detach()) == pytest.approx(fake_energy + apart, rel=1e-5)
    assert float(losses["energy_fake"].detach()) == pytest.approx(fake_energy, rel=1e-5)
    assert float(losses["convergence"].detach()) == pytest.approx(real_energy + abs(off), rel=1e-5)
    variant.balance(state, losses)
    assert float(state.memory["k"]) == pytest.approx(min(1, max(0, 0.25 + 0.5 * off)), rel=1e-4)
    for _ in range(50):
        variant.balance(state, losses)
    assert float(state.memory["k"]) in (0.0, 1.0)
