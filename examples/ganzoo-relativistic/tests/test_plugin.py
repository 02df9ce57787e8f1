"""What an author should test: the formula, and the contract that ganzoo holds every variant to."""

import torch

from ganzoo.testing import check_variant
from ganzoo_relativistic.loss import Relativistic


def test_loss_by_hand():
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0])
    log1p_exp = [0.04858735, 1.31326169]  # log(1 + exp(t)) at t = -3 and 1, the differences fake - real
    assert torch.isclose(Relativistic().discriminator(real, fake), torch.tensor(sum(log1p_exp) / 2))
    # The generator plays the same game with the parts swapped.
    assert torch.equal(Relativistic().generator(fake, real), Relativistic().discriminator(fake, real))


def test_only_differences_count():
    real, fake = torch.randn(8), torch.randn(8)
    moved = Relativistic().discriminator(real + 5, fake + 5)
    assert torch.isclose(Relativistic().discriminator(real, fake), moved, atol=1e-5)


def test_contract():
    check_variant("rpgan", settings={"width": 4, "latent_dim": 8})
