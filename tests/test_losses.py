"""Every registered loss, and the formulas of ours against the papers' written out in probabilities."""

import math

import pytest
import torch
from torch import Tensor

from ganzoo.models.interfaces import Loss
from ganzoo.models.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein
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
    assert loss.generator(good, real) < loss.generator(bad, real)


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
