"""Every registered loss, and the formulas of ours against the papers' written out in probabilities."""

import math

import pytest
import torch
from torch import Tensor

from ganzoo.models.interfaces import Loss
from ganzoo.models.losses import (
    FGAN,
    BoundarySeeking,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Relativistic,
    Softmax,
    Wasserstein,
)
from ganzoo.registry.registry import registry

REAL = torch.tensor([2.0, -0.5, 0.3, 4.0])
FAKE = torch.tensor([-1.0, 0.7, -3.0, 0.1])


def d(logits: Tensor) -> Tensor:
    """D(x) in float64, as the papers write it."""
    return 1 / (1 + torch.exp(-logits.double()))


@pytest.mark.parametrize("name", registry().losses.names())
def test_every_registered_loss_is_finite_and_has_gradients_at_extreme_logits(name: str) -> None:
    loss: Loss = registry().losses.load(name)()
    real = torch.tensor([-200.0, 0.0, 200.0], requires_grad=True)
    fake = torch.tensor([200.0, 0.0, -200.0], requires_grad=True)
    for total in (loss.discriminator(real, fake), loss.generator(fake, real if loss.needs_real else None)):
        assert total.dim() == 0
        assert total.isfinite()
    grad_real, grad_fake = torch.autograd.grad(loss.discriminator(real, fake), [real, fake])
    assert grad_real.isfinite().all()
    assert grad_fake.isfinite().all()
    assert grad_real.abs().sum() > 0
    assert grad_fake.abs().sum() > 0


@pytest.mark.parametrize("name", registry().losses.names())
def test_every_registered_loss_rewards_each_player_for_winning(name: str) -> None:
    loss: Loss = registry().losses.load(name)()
    good, bad = torch.full((4,), 0.9), torch.full((4,), -0.9)
    assert loss.discriminator(good, bad) < loss.discriminator(bad, good)
    real = torch.zeros(4) if loss.needs_real else None
    if loss.seeks_doubt:  # the best place is where real and generated samples have the same logits
        assert loss.generator(torch.zeros(4), real) < min(loss.generator(good, real), loss.generator(bad, real))
    else:
        assert loss.generator(good, real) < loss.generator(bad, real)


@pytest.mark.parametrize("name", registry().losses.names())
def test_every_registered_loss_says_truly_whether_the_slope_at_a_generated_sample_is_never_zero(name: str) -> None:
    loss: Loss = registry().losses.load(name)()
    fake = torch.linspace(-40, 40, 81).requires_grad_()  # whole numbers: the zeros of those that have some are such
    (slopes,) = torch.autograd.grad(loss.discriminator(torch.zeros(81), fake), fake)
    assert bool((slopes > 0).all()) == loss.one_stage


@pytest.mark.parametrize("name", registry().losses.names())
def test_every_registered_loss_says_where_it_comes_from(name: str) -> None:
    spec = registry().losses.spec(name)
    assert spec.paper
    assert spec.summary


def test_minimax_is_equation_1_of_the_first_paper() -> None:
    expected = -(d(REAL).log().mean() + (1 - d(FAKE)).log().mean())
    assert math.isclose(Minimax().discriminator(REAL, FAKE).item(), expected.item(), rel_tol=1e-6)
    assert math.isclose(Minimax().generator(FAKE).item(), (1 - d(FAKE)).log().mean().item(), rel_tol=1e-6)


def test_non_saturating_generator_maximises_log_d() -> None:
    assert math.isclose(NonSaturating().generator(FAKE).item(), -d(FAKE).log().mean().item(), rel_tol=1e-6)


def test_minimax_saturates_where_non_saturating_does_not() -> None:
    lost = torch.full((1,), -12.0, requires_grad=True)
    (saturated,) = torch.autograd.grad(Minimax().generator(lost), lost)
    (alive,) = torch.autograd.grad(NonSaturating().generator(lost), lost)
    assert saturated.abs() < 1e-5
    assert alive.abs() > 0.99


def test_least_squares_is_equation_9() -> None:
    expected = 0.5 * ((REAL - 1) ** 2).mean() + 0.5 * (FAKE**2).mean()
    assert torch.isclose(LeastSquares().discriminator(REAL, FAKE), expected)
    assert torch.isclose(LeastSquares().generator(FAKE), 0.5 * ((FAKE - 1) ** 2).mean())


def test_hinge_ignores_what_is_beyond_the_margin() -> None:
    expected = (torch.clamp(1 - REAL, min=0) + torch.clamp(1 + FAKE, min=0)).mean()
    assert torch.isclose(Hinge().discriminator(REAL, FAKE), expected)
    assert Hinge().discriminator(torch.tensor([1.5]), torch.tensor([-1.5])) == 0


def test_wasserstein_is_a_difference_of_means_and_says_what_it_needs() -> None:
    assert torch.isclose(Wasserstein().discriminator(REAL, FAKE), FAKE.mean() - REAL.mean())
    assert Wasserstein.lipschitz


def test_relativistic_compares_the_samples_of_a_pair() -> None:
    apart = (d(REAL - FAKE)).log().mean()
    assert math.isclose(Relativistic().discriminator(REAL, FAKE).item(), -apart.item(), rel_tol=1e-6)
    assert math.isclose(Relativistic().generator(FAKE, REAL).item(), -d(FAKE - REAL).log().mean().item(), rel_tol=1e-6)
    assert math.isclose(Relativistic().discriminator(REAL + 7, FAKE + 7).item(), -apart.item(), rel_tol=1e-5)


def test_boundary_seeking_is_the_squared_log_odds() -> None:
    odds = d(FAKE).log() - (1 - d(FAKE)).log()
    assert math.isclose(BoundarySeeking().generator(FAKE).item(), 0.5 * odds.square().mean().item(), rel_tol=1e-6)


def test_softmax_is_a_cross_entropy_over_the_batch() -> None:
    shares = torch.softmax(torch.cat([REAL, FAKE]).double(), 0)
    real_only, even = -shares[:4].log().mean(), -shares.log().mean()
    assert math.isclose(Softmax().discriminator(REAL, FAKE).item(), real_only.item(), rel_tol=1e-6)
    assert math.isclose(Softmax().generator(FAKE, REAL).item(), even.item(), rel_tol=1e-6)


TABLE_6 = {
    "f-kl": lambda t: torch.exp(t - 1),
    "f-reverse-kl": lambda t: -1 - torch.log(-t),
    "f-pearson": lambda t: t**2 / 4 + t,
    "f-squared-hellinger": lambda t: t / (1 - t),
    "f-jensen-shannon": lambda t: -torch.log(2 - torch.exp(t)),
}


@pytest.mark.parametrize("name", TABLE_6)
def test_conjugates_are_those_of_table_6(name: str) -> None:
    loss = registry().losses.load(name)()
    assert isinstance(loss, FGAN)
    torch.testing.assert_close(loss.conjugate(FAKE.double()), TABLE_6[name](loss.activation(FAKE.double())))


GENERATORS = {
    "f-kl": lambda u: u * math.log(u),
    "f-reverse-kl": lambda u: -math.log(u),
    "f-pearson": lambda u: (u - 1) ** 2,
    "f-squared-hellinger": lambda u: (math.sqrt(u) - 1) ** 2,
    "f-jensen-shannon": lambda u: -(u + 1) * math.log((1 + u) / 2) + u * math.log(u),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_the_best_bound_is_the_divergence_of_table_1(name: str) -> None:
    """Two outcomes, of which real samples are 3:1 and generated ones 1:1: the divergence is known."""
    loss = registry().losses.load(name)()
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-12)

    def value() -> Tensor:
        real, fake = logits[[0, 0, 0, 1]], logits[[0, 1]]
        return loss.discriminator(real, fake)

    def closure() -> Tensor:
        optimizer.zero_grad()
        found = value()
        found.backward()
        return found

    optimizer.step(closure)
    f = GENERATORS[name]
    expected = 0.5 * f(0.75 / 0.5) + 0.5 * f(0.25 / 0.5)
    assert math.isclose(-value().item(), expected, rel_tol=1e-5)
