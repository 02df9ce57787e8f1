"""r3gan: networks without normalisation whose variance stays the same, and the class as a code; which networks."""

from pathlib import Path

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.errors import ConfigError
from ganzoo.models.load import load_variant
from ganzoo_zoo.networks import ConvDiscriminator, ConvGenerator
from ganzoo_zoo.r3gan.networks import Block, R3Discriminator, R3Generator, maps_of, sides_of
from tests.zoo.test_resnets import made


@pytest.mark.parametrize("side", [8, 15, 28, 32, 45, 64])
def test_images_have_any_side(side: int) -> None:
    labels = torch.tensor([0, 2])
    images = R3Generator(8, 8, (3, side, side), 3, 1, 4)(torch.randn(2, 8), labels)
    assert images.shape == (2, 3, side, side)
    assert R3Discriminator(8, (3, side, side), 3, 1, 4)(images, labels).shape == (2,)


@pytest.mark.parametrize("stem", [2, 4])
@pytest.mark.parametrize("side", [8, 15, 28, 45])
def test_a_stem_reads_and_writes_patches(side: int, stem: int) -> None:
    generator, judge = (
        R3Generator(8, 8, (3, side, side), 0, 1, 4, stem),
        R3Discriminator(8, (3, side, side), 0, 1, 4, stem),
    )
    assert sides_of(side, stem)[-1] == -(-side // stem)
    images = generator(torch.randn(2, 8))
    assert images.shape == (2, 3, side, side)
    assert judge(images).shape == (2,)


def test_at_the_start_the_latent_says_more_than_the_class() -> None:
    torch.manual_seed(0)
    network = R3Generator(64, 16, (1, 32, 32), 10, 1, 16)
    latents, labels = torch.randn(10, 64), torch.arange(10)
    by_latent = network(latents, torch.zeros(10, dtype=torch.long)).detach().var(0).mean()
    by_class = network(latents[:1].expand(10, -1), labels).detach().var(0).mean()
    assert 2 * by_class < by_latent


@pytest.mark.parametrize("classes", [0, 10])
def test_variances_stay_near_one_through_many_blocks(classes: int) -> None:
    torch.manual_seed(0)
    labels = torch.randint(10, (64,)) if classes else None
    images = R3Generator(64, 16, (3, 64, 64), classes, 3, 16)(torch.randn(64, 64), labels)
    assert 0.1 < float(images.detach().var()) < 3
    plain = torch.randn(64, 3, 1, 1).expand(-1, -1, 64, 64)  # of noise, resizing takes the mean
    logits = R3Discriminator(16, (3, 64, 64), classes, 3, 16)(plain, labels)
    assert 0.01 < float(logits.detach().var()) < 10  # of three numbers that the network sees


def test_a_block_begins_as_the_identity_and_then_learns() -> None:
    maps, block = torch.randn(2, 8, 5, 5), Block(8, 4, 10)
    assert torch.equal(block(maps), maps)
    block(maps).square().sum().backward()
    assert block.body[-1].weight.grad.abs().sum() > 0


def test_the_3x3_convolutions_have_groups_of_the_size_that_is_said() -> None:
    network = R3Generator(8, 32, (3, 32, 32), 0, 2, 16)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(layers) == 2 * 4
    assert all(layer.in_channels // layer.groups == 16 for layer in layers)


def test_feature_maps_are_whole_groups() -> None:
    assert maps_of(32, 16, [4, 8, 16, 32]) == [128, 128, 64, 32]
    assert maps_of(10, 16, [4, 8]) == [16, 8]


def test_after_training_images_are_cut_off_at_the_ends_of_the_range() -> None:
    network = R3Generator(8, 8, (1, 16, 16), 0, 1, 4)
    with torch.no_grad():
        network.head.weight.mul_(10)
    latents = torch.randn(4, 8)
    assert network(latents).abs().max() > 1
    assert network.eval()(latents).abs().max() == 1


def test_a_class_changes_what_is_drawn_and_shares_of_classes_mix() -> None:
    network = R3Generator(8, 8, (1, 16, 16), 3, 1, 4)
    latents = torch.randn(1, 8).expand(2, -1)
    images = network(latents, torch.tensor([0, 1]))
    assert not torch.allclose(images[0], images[1])
    shares = network(latents, torch.eye(3)[:2])
    torch.testing.assert_close(shares, images)


def test_networks_are_dcgans_and_those_of_the_paper_in_presets_and_by_settings() -> None:
    networks = made("r3gan", width=8).build()
    assert isinstance(networks["generator"], ConvGenerator)
    judge = networks["discriminator"]
    assert isinstance(judge, ConvDiscriminator)
    assert judge.independent, "without batch normalisation"
    assert isinstance(made("r3gan", width=8, g_network="residual").build()["generator"], R3Generator)
    assert isinstance(made("r3gan", width=8, d_network="residual").build()["discriminator"], R3Discriminator)
    kind = load_variant("r3gan")
    for name in ("gpu", "paper"):
        config = resolve("r3gan", kind.Options, {"dataset": "x"}, kind.defaults, kind.presets[name])
        assert (config.options.g_network, config.options.d_network) == ("residual", "residual")


def test_settings_of_residual_networks_are_refused_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stem"):
        ganzoo.prepare("r3gan", "glyphs", out=tmp_path / "x", settings={"stem": 4})
    ganzoo.prepare("r3gan", "glyphs", out=tmp_path / "y", settings={"stem": 4, "d_network": "residual"})
