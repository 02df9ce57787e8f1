"""Every registered variant, found through the registry: a new plugin is tested without a line here."""

import dataclasses
import typing
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.config.fields import Options
from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo
from ganzoo.data.needs import unmet, usual_dataset
from ganzoo.errors import ConfigError
from ganzoo.models.conditions import TextCondition, VectorCondition
from ganzoo.models.interfaces import Classifier, Discriminator, Translator
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry
from ganzoo.runs.trained import input_channels
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.testing import check_variant

VARIANTS = registry().variants.names()
OF_IMAGES = [name for name in VARIANTS if "images" in registry().variants.spec(name).models]
DIGITS = tuple("0123456789")


def build(name: str, shape: tuple[int, ...], **options: Any) -> dict[str, torch.nn.Module]:
    variant = load_variant(name)
    config = resolve(name, variant.Options, {"dataset": "glyphs", **variant.defaults, **options})
    return variant(config, data_of(shape), None).networks()


def data_of(shape: tuple[int, ...]) -> DataInfo:
    """Data that has all that a variant of ours may need."""
    kind = "images" if len(shape) == 3 else "points"
    second = DataInfo(name="second", kind=kind, shape=shape)
    extra = {"target_shape": list(shape), "attributes": ["large", "warm"], "text_length": 24}
    return DataInfo(name="glyphs", kind=kind, shape=shape, classes=DIGITS, extra=extra, second=second)


def small(name: str, width: int = 8) -> dict[str, Any]:
    """Settings that make a variant's networks small, as far as it has them."""
    own = {f.name for f in dataclasses.fields(load_variant(name).Options)}
    return {key: value for key, value in {"width": width, "blocks": 1}.items() if key in own}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_keeps_the_contract(name: str) -> None:
    check_variant(name)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_setting_of_every_variant_is_explained_and_in_range(name: str) -> None:
    variant = load_variant(name)
    for f in dataclasses.fields(variant.Options):
        assert f.metadata.get("help"), f"{name}: setting {f.name} has no help"
    assert typing.get_type_hints(variant.Options)
    config = resolve(name, variant.Options, {"dataset": "glyphs", **variant.defaults})
    assert isinstance(config, RunConfig)
    assert isinstance(config.options, Options)


@pytest.mark.parametrize("loss", registry().losses.names())
@pytest.mark.parametrize("name", ["vanilla", "cgan"])
@pytest.mark.filterwarnings("ignore:.*needs a critic of bounded slope")  # said on purpose; tested elsewhere
def test_every_loss_swaps_on_every_variant_with_an_adversarial_loss(name: str, loss: str, tmp_path: Path) -> None:
    settings = {"loss": loss, "steps": 2, "batch_size": 4, "device": "cpu", **small(name)}
    run = ganzoo.train(name, "glyphs", out=tmp_path / "run", **settings)
    assert run.config.loss == loss
    assert 'loss = "' + loss + '"' in (run.path / "config.toml").read_text()


def test_losses_really_differ(tmp_path: Path) -> None:
    """Were --loss ignored, these weights would be equal."""
    weights = {}
    for loss in ("non-saturating", "hinge"):
        run = ganzoo.train("cgan", out=tmp_path / loss, loss=loss, steps=1, batch_size=4, width=8, device="cpu")
        weights[loss] = read_tensors(run.latest())[0]
    assert any(not torch.equal(weights["hinge"][k], v) for k, v in weights["non-saturating"].items() if "networks" in k)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 28, 30, 31, 32, 48, 64, 100, 128])
@pytest.mark.parametrize("name", OF_IMAGES)
def test_networks_fit_every_size_or_say_which_they_need(name: str, side: int, channels: int) -> None:
    try:
        networks = build(name, (channels, side, side), **small(name, 4))
    except ConfigError as error:
        assert "multiple of 8" in str(error) and (side % 8 or side < 16)  # noqa: PT017, PT018  # one message, one reason
        return
    labels = torch.tensor([0, 9])
    judges = [network for network in networks.values() if isinstance(network, Classifier | Discriminator)]
    generator, discriminator = next(iter(networks.values())).eval(), judges[0].eval()
    if isinstance(generator, Translator):
        inputs = input_channels(generator, data_of((channels, side, side)))
        low = torch.rand(2, inputs, side // generator.scale, side // generator.scale) * 2 - 1
        samples = generator(low)
        assert samples.shape[1:3] == (channels, side // generator.scale * generator.scale)
        samples = torch.zeros(2, channels, side, side)
    else:
        drawn = isinstance(generator.condition, VectorCondition | TextCondition)
        told = generator.condition.draw(2) if drawn else labels
        samples = generator(torch.randn(2, generator.latent_dim), told)
        assert samples.shape == (2, channels, side, side)
        assert samples.abs().max() <= 1
    if isinstance(discriminator, Classifier):
        assert discriminator(samples).shape == (2, discriminator.classes)
    elif discriminator.patch:
        beside = samples if discriminator.condition else None
        assert discriminator(samples, beside).shape[:2] == (2, 1)
    elif name == "bigan":
        assert discriminator(samples, torch.randn(2, generator.latent_dim)).shape == (2,)
    elif name in ("text2image", "stackgan"):
        assert discriminator(samples, told).shape == (2,)
    elif name == "icgan":
        assert discriminator(samples, torch.zeros(2, 2)).shape == (2,)
    elif name == "lapgan":  # D sees pictures of its own level
        assert discriminator(torch.zeros(2, channels, *[generator.sides[0]] * 2)).shape == (2,)
    else:
        assert discriminator(samples, labels).shape == (2,)


def test_images_too_small_for_convolutions_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"resolution 7 is too small .* use 8 or more"):
        build("dcgan", (1, 7, 7))


def test_images_that_are_not_square_are_refused() -> None:
    with pytest.raises(ConfigError, match="32x64 are not square"):
        build("dcgan", (3, 32, 64))


def test_a_conditional_network_uses_its_labels() -> None:
    for network in ("conv", "mlp"):
        networks = build("cgan", (1, 28, 28), network=network, width=4)
        generator, discriminator = networks["generator"].eval(), networks["discriminator"].eval()
        latents = torch.randn(1, 100).expand(2, -1)
        one, two = generator(latents, torch.tensor([1, 2]))
        assert not torch.allclose(one, two)
        logits = discriminator(one.expand(2, 1, 28, 28), torch.tensor([1, 2]))
        assert not torch.allclose(logits[0], logits[1], atol=0)


def test_the_paper_sizes_of_dcgan() -> None:
    """arXiv:1511.06434, figure 1: 1024, 512, 256, 128 feature maps from 4x4 to 64x64, at width 128."""
    body = build("dcgan", (3, 64, 64), width=128)["generator"].body
    layers = [m for m in body if isinstance(m, torch.nn.ConvTranspose2d)]
    assert [m.out_channels for m in layers] == [1024, 512, 256, 128, 3]
    assert [m.kernel_size[0] for m in layers] == [4] * 5
    discriminate = [
        m for m in build("dcgan", (3, 64, 64), width=128)["discriminator"].body if isinstance(m, torch.nn.Conv2d)
    ]
    assert [m.out_channels for m in discriminate] == [128, 256, 512, 1024, 1]


@pytest.mark.parametrize("name", VARIANTS)
def test_without_a_data_set_it_trains_on_one_that_suits(name: str) -> None:
    spec = registry().variants.spec(name)
    chosen = registry().datasets.spec(usual_dataset(name))
    assert unmet(spec, chosen, None) == ""
    assert not chosen.files, "nothing has to be downloaded"
    assert not chosen.packages, "nothing has to be installed"
