"""cgan: how the discriminator sees the class."""

from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, UsageError
from ganzoo_zoo.networks import ConvDiscriminator
from tests.zoo.test_resnets import made

LABELS = torch.tensor([2, 0])


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 9), (1, 16, 16, 16)])
def test_projection_adds_the_class_times_the_features_to_the_logit(shape: tuple[int, ...], norm: bool) -> None:
    network = ConvDiscriminator(4, shape, 3, norm, projection=True)
    images = torch.randn(2, *shape)
    features = network.body[:-1](images)
    assert network.embedding is not None
    products = (features.flatten(1) * network.embedding.weight.T[LABELS]).sum(1)
    torch.testing.assert_close(network(images, LABELS), network.body[-1](features).flatten() + products)


def test_both_ways_of_showing_the_class_matter_and_neither_works_without_it() -> None:
    images = torch.randn(2, 1, 16, 16)
    for shown in ("projection", "maps"):
        network = made("cgan", width=4, d_labels=shown).build()["discriminator"].eval()
        assert (network(images, LABELS) != network(images, LABELS.flip(0))).all()
        with pytest.raises(UsageError, match="needs labels"):
            network(images)


def test_without_classes_nothing_is_projected() -> None:
    network = ConvDiscriminator(4, (1, 16, 16), projection=True)
    assert network.embedding is None
    assert network(torch.randn(2, 1, 16, 16)).shape == (2,)


@pytest.mark.parametrize(
    "tricks", [{"minibatch_std": True}, {"feature_matching": "beside"}, {"spectral_norm": True, "d_norm": "none"}]
)
def test_tricks_of_the_last_layer_find_it_beside_the_projection(tmp_path: Path, tricks: dict[str, object]) -> None:
    run = ganzoo.train("cgan", "glyphs", out=tmp_path / "run", steps=2, batch_size=4, width=4, **tricks)
    assert run.path.exists()


def test_the_fully_connected_discriminator_has_one_way_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"d_labels = 'maps' does nothing: the fully connected discriminator"):
        ganzoo.train("cgan", "glyphs", out=tmp_path / "run", steps=1, d_labels="maps", network="mlp")
