"""Distances and scores on features, against computations of their own in float64."""

import hashlib
import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import to_unit
from ganzoo.data.load import load_dataset
from ganzoo.metrics.cache import statistics
from ganzoo.metrics.context import proportional
from ganzoo.metrics.feature_classifier import SHIPPED, load_classifier_of, shipped
from ganzoo.metrics.measures.features import frechet_distance
from ganzoo.metrics.measures.neighbours import nearest_features


def features(count: int, width: int, seed: int, shift: float = 0.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    mixed = torch.randn(count, width, generator=rng) @ torch.randn(width, width, generator=rng)
    return (mixed + shift).relu()


def test_statistics_are_those_of_numpy_in_double_precision() -> None:
    values = features(2_345, 17, 0) + 1_000  # far from zero, where sums of squares in single precision would fail
    mean, covariance = statistics(values)
    np.testing.assert_allclose(mean, values.double().mean(0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(values.double().numpy(), rowvar=False), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("width", [3, 64])
def test_frechet_distance_agrees_with_scipys_matrix_square_root(width: int) -> None:
    a, b = features(1_500, width, 1), features(900, width, 2, shift=0.2)
    mean_a, cov_a = a.double().mean(0).numpy(), np.cov(a.double().numpy(), rowvar=False)
    mean_b, cov_b = b.double().mean(0).numpy(), np.cov(b.double().numpy(), rowvar=False)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    expected = np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(statistics(a), statistics(b)) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_gaussians_has_a_closed_form() -> None:
    """Diagonal covariances: squared difference of means plus that of standard deviations."""
    mean, std = torch.tensor([[0.0, 2.0], [1.0, -1.0]]).double(), torch.tensor([[1.0, 3.0], [0.5, 4.0]]).double()
    pairs = [(mean[i], torch.diag(std[i] ** 2)) for i in (0, 1)]
    assert frechet_distance(*pairs) == pytest.approx(1 + 9 + 0.25 + 1)
    assert frechet_distance(pairs[0], pairs[0]) == pytest.approx(0, abs=1e-9)


def test_score_is_the_exponential_of_the_mean_divergence() -> None:
    logits = torch.randn(1_000, 10, generator=torch.Generator().manual_seed(0)) * 2
    found = isc_features_to_metric(logits, splits=1, shuffle=False)[KEY_METRIC_ISC_MEAN]
    p = np.exp(logits.double().numpy())
    p /= p.sum(1, keepdims=True)
    assert found == pytest.approx(math.exp(float((p * np.log(p / p.mean(0))).sum(1).mean())), rel=1e-9)
    certain = torch.eye(10).repeat(100, 1) * 100
    assert isc_features_to_metric(certain, splits=10)[KEY_METRIC_ISC_MEAN] == pytest.approx(10, rel=0.1)


def test_kernel_distance_is_the_unbiased_mmd_of_a_cubic_kernel() -> None:
    a, b = features(200, 8, 3).double(), features(200, 8, 4, shift=0.3).double()
    found = kid_features_to_metric(a, b, kid_subsets=1, kid_subset_size=200, verbose=False)[KEY_METRIC_KID_MEAN]

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / 8 + 1) ** 3

    n = 200
    within = sum(float(kernel(x, x).sum() - kernel(x, x).trace()) for x in (a, b)) / (n * (n - 1))
    assert found == pytest.approx(within - 2 * float(kernel(a, b).mean()), rel=1e-9)


def test_precision_and_recall_by_hand() -> None:
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0], [10.0]])
    own = torch.tensor([[0.5], [2.5], [30.0], [31.0], [32.0]])
    found = prc_features_to_metric(own, real, prc_neighborhood=1, prc_batch_size=2, save_cpu_ram=True, verbose=False)

    def inside(x: Tensor, of: Tensor) -> float:
        radius = torch.cdist(of, of).kthvalue(2).values
        return float((torch.cdist(x, of) <= radius).any(1).double().mean())

    assert found["precision"] == pytest.approx(inside(own, real)) == pytest.approx(2 / 5)
    assert found["recall"] == pytest.approx(inside(real, own)) == pytest.approx(4 / 5)


def test_labels_are_asked_for_as_often_as_they_occur() -> None:
    labels = proportional(torch.tensor([1, 2, 0, 3]), 601)
    assert torch.bincount(labels, minlength=4).tolist() == [100, 200, 0, 301]
    assert labels[:20].unique().numel() > 1, "in random order"
    assert torch.equal(labels, proportional(torch.tensor([1, 2, 0, 3]), 601))


def test_nearest_features_are_the_nearest() -> None:
    real = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    found = nearest_features(torch.tensor([[3.0, 3.0]]), real, k=2)
    assert found.index.tolist() == [[1, 0]]
    assert found.distance[0, 0] == pytest.approx(1 / 2**0.5)


@pytest.mark.parametrize("name", shipped())
def test_shipped_recognisers_are_small_good_and_have_a_card(name: str) -> None:
    path = SHIPPED / f"{name}.safetensors"
    network, header = load_classifier_of(path)
    least = {"mnist": 0.995, "fashion-mnist": 0.92, "glyphs": 0.99}
    assert header["accuracy"] >= least.get(name, 0.5)
    if name in least:
        assert path.stat().st_size < 1_000_000
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{100 * header['accuracy']:.2f} %" in card
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    got, logits = network(torch.zeros(2, *header["shape"]))
    assert got.shape == (2, 8 * header["width"])
    assert logits.shape == (2, header["classes"])


def test_the_recogniser_of_glyphs_recognises_glyphs() -> None:
    """Its accuracy is measured here again, on images that it was not trained on."""
    network, header = load_classifier_of(SHIPPED / "glyphs.safetensors")
    test = load_dataset("glyphs", RunConfig(variant="none", dataset="glyphs"), "test")
    assert test.info.digest == header["data"]["test"]
    assert test.labels is not None
    indices = torch.arange(1_000)
    _, logits = network(to_unit(test.source.fetch(indices)))
    right = float((logits.argmax(1) == test.labels[indices]).double().mean())
    assert right == pytest.approx(header["accuracy"], abs=0.01)
