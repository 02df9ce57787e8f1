"""sngan, projection, acgan, logan: residual networks, class-conditional normalisation, projection, guessed classes."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import UsageError
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo_zoo.acgan.networks import ConvGuesser
from ganzoo_zoo.acgan.variant import data_to_data
from ganzoo_zoo.resnets import ClassBatchNorm2d, ResNetDiscriminator, ResNetGenerator
from ganzoo_zoo.sngan.networks import PlainDiscriminator

LABELLED = DataInfo("digits", "images", (1, 16, 16), classes=("a", "b", "c"), fields=("images", "labels"))


def made(name: str, **options: object) -> Variant:
    variant_class = load_variant(name)
    config: RunConfig = resolve(name, variant_class.Options, {"dataset": "x"}, variant_class.defaults, options)
    return variant_class(config, LABELLED, make_loss(variant_class, config))


@pytest.mark.parametrize("side", [8, 15, 28, 32, 45, 64])
def test_images_have_any_side(side: int) -> None:
    images = ResNetGenerator(8, 4, (3, side, side), 3)(torch.randn(2, 8), torch.tensor([0, 2]))
    assert images.shape == (2, 3, side, side)
    assert ResNetDiscriminator(4, (3, side, side), projection=3)(images, torch.tensor([0, 2])).shape == (2,)
    assert PlainDiscriminator(4, (3, side, side))(images).shape == (2,)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_for_32_pixels_the_networks_are_those_of_table_4() -> None:
    """Counted by hand: 3x3 convolutions with biases, 1x1 skips where the size changes."""

    def conv(a: int, b: int, k: int = 3) -> int:
        return a * b * k * k + b

    up = conv(256, 256) * 2 + conv(256, 256, 1) + 4 * 256
    assert parameters(ResNetGenerator(128, 128, (3, 32, 32))) == 129 * 4096 + 3 * up + 2 * 256 + conv(256, 3)
    first = conv(3, 128) + conv(128, 128) + conv(3, 128, 1)
    down, flat = 2 * conv(128, 128) + conv(128, 128, 1), 2 * conv(128, 128)
    assert parameters(ResNetDiscriminator(128, (3, 32, 32))) == first + down + 2 * flat + 129


def test_a_class_has_its_own_scale_and_shift_and_shares_mix_them() -> None:
    layer = ClassBatchNorm2d(2, 3).eval()
    with torch.no_grad():
        layer.scale.copy_(torch.arange(6.0).view(3, 2))
        layer.shift.copy_(-torch.arange(6.0).view(3, 2))
    maps = torch.randn(2, 2, 3, 3)
    labels = torch.tensor([2, 1])
    found = layer.of_class(maps, labels)
    expected = layer(maps) * layer.scale[labels][:, :, None, None] + layer.shift[labels][:, :, None, None]
    assert torch.equal(found, expected)
    shares = nn.functional.one_hot(labels, 3).float()
    torch.testing.assert_close(layer.of_class(maps, shares), found)
    with pytest.raises(UsageError, match="give one class for each sample"):
        layer.of_class(maps, None)


def test_the_projection_is_a_product_of_embedding_and_features() -> None:
    network = ResNetDiscriminator(4, (1, 16, 16), projection=3)
    images, labels = torch.randn(5, 1, 16, 16), torch.tensor([0, 1, 2, 0, 1])
    features = network.pooled(images)
    assert network.embedding is not None
    expected = network.head(features)[:, 0] + (network.embedding.weight.T[labels] * features).sum(1)
    torch.testing.assert_close(network(images, labels), expected)


@pytest.mark.parametrize("name", ["sngan", "projection", "acgan"])
def test_every_layer_of_d_is_normalised(name: str) -> None:
    more = {"network": "resnet", "spectral_norm": True} if name == "acgan" else {}
    network = made(name, width=4, **more).build()["discriminator"]
    layers = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert layers
    assert all(nn.utils.parametrize.is_parametrized(layer, "weight") for layer in layers)


@pytest.mark.parametrize("d_norm", [True, False])
def test_classes_are_learned_from_real_images_only(d_norm: bool) -> None:
    """Whether D judges both kinds in one pass, or one after the other."""
    variant = made("acgan", width=4, network="resnet", loss="hinge")
    networks = variant.build()
    network = networks["discriminator"]
    assert isinstance(network, ResNetDiscriminator)
    network.independent = d_norm
    batch = {"images": torch.randn(6, 1, 16, 16), "labels": torch.tensor([0, 1, 2, 0, 1, 2])}
    fake = torch.randn(6, 1, 16, 16)
    state = State(networks, {}, {}, {})
    losses = variant.discriminator_loss(state, batch, {"generator": fake})
    assert network.guessing is not None
    expected = cross_entropy(network.guessing(network.pooled(batch["images"])), batch["labels"])
    torch.testing.assert_close(losses["class_real"], expected, rtol=1e-4, atol=1e-5)
    assert losses["total"] > losses["class_real"]
    found = variant.generator_loss(state, batch, {"generator": fake})
    expected = cross_entropy(network.guessing(network.pooled(fake)), batch["labels"])
    torch.testing.assert_close(found["class_fake"], expected, rtol=1e-4, atol=1e-5)


def test_acgan_has_the_networks_of_its_paper_and_those_of_sngan_by_one_setting() -> None:
    plain = made("acgan", width=4).build()["discriminator"]
    assert isinstance(plain, ConvGuesser)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
    assert not plain.independent
    assert isinstance(made("acgan", width=4, network="resnet").build()["discriminator"], ResNetDiscriminator)


def test_logan_is_told_apart_by_colours_of_real_images_and_its_critic_has_no_normalisation() -> None:
    variant = made("logan", width=4, latent_dim=8)
    network = variant.build()["discriminator"]
    assert isinstance(network, ConvGuesser)
    assert not any("Norm" in type(layer).__name__ for layer in network.modules())
    batch = {"images": torch.randn(6, 1, 16, 16), "labels": torch.tensor([0, 1, 2, 0, 1, 2])}
    fake = torch.randn(6, 1, 16, 16)
    losses = variant.discriminator_loss(State({"discriminator": network}, {}, {}, {}), batch, {"generator": fake})
    expected = cross_entropy(network.guessing(network.body(batch["images"])), batch["labels"])
    torch.testing.assert_close(losses["class_real"], expected, rtol=1e-4, atol=1e-5)
    gap = network(batch["images"]).mean() - network(fake).mean()
    torch.testing.assert_close(losses["wasserstein"], gap, rtol=1e-4, atol=1e-5)
    assert losses["gradient_penalty"] > 0
    assert isinstance(made("logan", width=4, network="resnet").build()["discriminator"], ResNetDiscriminator)


def test_data_to_data_cross_entropy_is_equation_7_of_reacgan() -> None:
    torch.manual_seed(0)
    features, proxies, labels = torch.randn(5, 4).double(), torch.randn(3, 4).double(), torch.tensor([0, 1, 2, 0, 1])
    f, v, total = normalize(features), normalize(proxies), 0.0
    for i in range(5):
        near = torch.exp(torch.clamp(f[i] @ v[labels[i]] - 0.98, max=0) / 0.5)
        far = sum(torch.exp(torch.clamp(f[i] @ f[j] - 0.02, min=0) / 0.5) for j in range(5) if labels[j] != labels[i])
        total -= float(torch.log(near / (near + far))) / 5
    assert float(data_to_data(features, proxies, labels, 0.5, 0.02)) == pytest.approx(total, rel=1e-9)


def test_with_one_class_in_a_batch_data_to_data_is_zero_and_finite() -> None:
    features = torch.randn(4, 3, requires_grad=True)
    loss = data_to_data(features, torch.randn(2, 3), torch.zeros(4, dtype=torch.int64), 0.5, 0.02)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert features.grad is not None
    assert features.grad.isfinite().all()
