"""Modes, PSNR, SSIM and diversity, against computations of their own or numbers that are known."""

import math

import numpy as np
import pytest
import torch

from ganzoo.data.drawn.toys import draw, modes
from ganzoo.metrics.measures.diversity import Reference, distances
from ganzoo.metrics.measures.modes import count_modes, modes_of_digits
from ganzoo.metrics.measures.psnr import luma, psnr, ssim


def test_modes_and_quality_are_counted_by_hand() -> None:
    grid = modes("grid")
    centres, std = grid.centres, grid.std
    points = torch.cat([
        centres[[0, 0, 0, 7]],                        # four at the centre of two modes
        centres[[3]] + torch.tensor([2.9 * std, 0]),  # just near enough
        centres[[4]] + torch.tensor([3.1 * std, 0]),  # just too far
        centres[[0]] + torch.tensor([0.2, 0]),        # between two modes
    ])  # fmt: skip
    counted = count_modes(points, grid)
    assert (counted.total, counted.found, counted.quality) == (25, 3, pytest.approx(5 / 7))
    assert counted.shares[0] == pytest.approx(3 / 7)
    assert sum(counted.shares) == pytest.approx(counted.quality)


def test_the_data_itself_has_all_modes_and_the_quality_of_a_gaussian() -> None:
    for name, total in (("ring", 8), ("grid", 25)):
        counted = count_modes(draw(modes(name), 20_000, 1), modes(name))
        assert counted.found == counted.fair == total
        assert counted.quality == pytest.approx(1 - np.exp(-4.5), abs=0.002)  # P(r <= 3 sigma) in two dimensions


def test_a_mode_that_is_hardly_ever_hit_is_found_but_not_fair() -> None:
    ring = modes("ring")
    points = torch.cat([ring.centres[:7].repeat(100, 1), ring.centres[7:]])
    counted = count_modes(points, ring)
    assert (counted.found, counted.fair) == (8, 7)


def test_luma_is_that_of_the_studio_range() -> None:
    black, white = torch.zeros(1, 3, 1, 1, dtype=torch.uint8), torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
    assert float(luma(black)) == 16
    assert float(luma(white)) == pytest.approx(235)
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    assert float(luma(red)) == pytest.approx(81.481)


def test_psnr_is_its_formula_and_leaves_the_border_out() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, (1, 1, 20, 24), dtype=np.uint8) for _ in range(2))
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    error = ((a[inner].astype(float) - b[inner].astype(float)) ** 2).mean()
    found = psnr(torch.from_numpy(a), torch.from_numpy(b), 4)
    assert float(found) == pytest.approx(10 * np.log10(255**2 / error), rel=1e-12)
    c = a.copy()
    c[:, :, :4] = 0
    assert torch.isinf(psnr(torch.from_numpy(a), torch.from_numpy(c), 4)).all()


def test_ssim_agrees_with_a_window_by_window_computation() -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(0, 256, (18, 17)).astype(np.uint8)
    b = np.clip(a + rng.normal(0, 30, a.shape), 0, 255).astype(np.uint8)
    bell = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / bell.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = (image[y : y + 11, x : x + 11].astype(float) for image in (a, b))
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            both = (window * (p - mp) * (q - mq)).sum()
            values.append((2 * mp * mq + c1) * (2 * both + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    found = ssim(torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None], 0)
    assert float(found) == pytest.approx(np.mean(values), rel=1e-9)
    assert float(ssim(torch.from_numpy(a)[None, None], torch.from_numpy(a)[None, None], 0)) == pytest.approx(1)


def test_distances_are_root_mean_squares() -> None:
    a, b = torch.zeros(2, 1, 3, 3), torch.full((1, 1, 3, 3), 0.5)
    torch.testing.assert_close(distances(a, b), torch.full((2, 1), 0.5))


def test_duplicates_and_class_shares() -> None:
    torch.manual_seed(0)
    labels = torch.arange(400) % 4
    real = torch.randn(400, 1, 4, 4) * 0.3 + labels.view(-1, 1, 1, 1)
    reference = Reference.of(real, labels, 4)
    assert reference.duplicates == 0
    assert reference.accuracy > 0.99
    torch.testing.assert_close(reference.class_shares(real), torch.full((4,), 0.25, dtype=torch.float64))
    assert reference.duplicate_rate(real) == 0
    assert reference.duplicate_rate(real[:50].repeat(2, 1, 1, 1)) == 1
    half = torch.cat([real[:50], real[50:75].repeat(2, 1, 1, 1) + 1e-4 * torch.randn(50, 1, 4, 4)])
    assert reference.duplicate_rate(half) == pytest.approx(0.5)
    assert reference.class_shares(real[labels != 2])[2] == 0


def test_equal_samples_are_duplicates_even_of_data_that_repeats_itself() -> None:
    reference = Reference.of(torch.zeros(10, 2))
    assert reference.duplicates == 1
    assert reference.duplicate_rate(torch.zeros(5, 2)) == 1


def test_modes_of_stacked_digits_and_their_divergence() -> None:
    every = torch.cartesian_prod(*[torch.arange(10)] * 3)
    assert modes_of_digits(every) == {"found": 1000, "of": 1000, "KL": pytest.approx(0, abs=1e-12)}
    half = modes_of_digits(every[:500].repeat(3, 1))
    assert half["found"] == 500
    assert half["KL"] == pytest.approx(math.log(2))
    assert modes_of_digits(torch.tensor([[1, 2, 3]]).expand(7, -1)) == {
        "found": 1, "of": 1000, "KL": pytest.approx(math.log(1000)),
    }  # fmt: skip
