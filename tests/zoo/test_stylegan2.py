"""stylegan2: modulation, smooth resizing, mixing, truncation, path lengths."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo_zoo.equalised import EqualLinear, maps_of, with_spread
from ganzoo_zoo.stylegan2.layers import Blur, Enlarged, ModulatedConv
from ganzoo_zoo.stylegan2.networks import StyleDiscriminator, StyleGenerator
from ganzoo_zoo.stylegan2.variant import StyleGAN2


def generator(side: int = 16, classes: int = 0, mixing: float = 0.0) -> StyleGenerator:
    torch.manual_seed(0)
    return StyleGenerator(8, 8, 4, (3, side, side), classes, 2, mixing)


@pytest.mark.parametrize("side", [8, 15, 28, 32, 45])
def test_images_have_any_side(side: int) -> None:
    labels = torch.tensor([0, 2])
    images = generator(side, 3)(torch.randn(2, 8), labels)
    assert images.shape == (2, 3, side, side)
    assert StyleDiscriminator(4, (3, side, side), 3, 8)(images, labels).shape == (2,)


@pytest.mark.parametrize("up", [False, True])
def test_scaling_inputs_and_outputs_is_scaling_the_weights_of_each_image(up: bool) -> None:
    layer = ModulatedConv(3, 5, 3, 4, side=12 if up else 0).double()
    maps, latents = torch.randn(2, 3, 6, 6, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64)
    found = layer(maps, latents)
    for image, style, result in zip(maps, layer.style(latents), found, strict=True):
        weight = layer.weight * layer.scale * style[None, :, None, None]
        weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if up:
            assert layer.blur is not None
            expected = layer.blur(conv_transpose2d(image[None], weight.transpose(0, 1), stride=2))[0]
        else:
            expected = conv2d(image[None], weight, padding=1)[0]
        torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-8)


def test_resizing_keeps_a_plain_colour_away_from_the_border() -> None:
    plain = torch.full((1, 2, 8, 8), 0.7)
    large = Enlarged(16)(plain)
    assert large.shape == (1, 2, 16, 16)
    torch.testing.assert_close(large[..., 2:-2, 2:-2], torch.full((1, 2, 12, 12), 0.7))
    torch.testing.assert_close(Blur(2)(plain)[..., 3:-3, 3:-3], torch.full((1, 2, 3, 3), 0.7))


def test_an_equalised_layer_keeps_the_variance_and_the_rate_slows_it_down() -> None:
    torch.manual_seed(0)
    for rate in (1.0, 0.01):
        layer = EqualLinear(256, 256, rate=rate)
        assert float(layer(torch.randn(512, 256)).detach().var()) == pytest.approx(1, rel=0.1)
        assert float(layer.weight.detach().std()) == pytest.approx(1 / rate, rel=0.05)


def test_truncation_goes_towards_the_mean_picture() -> None:
    network = generator()
    network.train()
    for _ in range(20):
        network(torch.randn(16, 8))
    network.eval()
    assert network.mapping.mean.abs().sum() > 0
    alike = network.sample(3, seed=1, psi=0.0)
    assert torch.equal(alike[0], alike[1])
    whole, half = network.sample(3, seed=1), network.sample(3, seed=1, psi=0.5)
    assert torch.equal(whole, network.sample(3, seed=1, psi=1.0))
    assert (half - alike).abs().mean() < (whole - alike).abs().mean()


def test_styles_are_mixed_in_training_only_from_some_place_on() -> None:
    network = generator(mixing=1.0)
    latents = torch.randn(64, 8)
    network.train()
    styles = network.styles(latents)
    changed = (styles != styles[:, :1]).any(2)
    assert not changed[:, 0].any()
    assert changed[:, -1].all()
    assert (changed.int().diff(dim=1) >= 0).all()  # once changed, it stays
    assert len(changed.sum(1).unique()) > 2
    network.eval()
    styles = network.styles(latents)
    assert torch.equal(styles, styles[:, :1].expand_as(styles))


def test_noise_is_new_in_training_and_fixed_afterwards() -> None:
    network = generator()
    for module in network.modules():
        if hasattr(module, "strength"):
            nn.init.ones_(module.strength)
    latents = torch.randn(2, 8)
    assert not torch.equal(network(latents), network(latents))
    network.eval()
    assert torch.equal(network(latents), network(latents))


def test_feature_maps_double_up_to_the_most() -> None:
    assert maps_of(32, 4) == [256, 128, 64, 32]
    assert maps_of(128, 5) == [512, 512, 512, 256, 128]


def test_the_spread_is_of_groups_of_images_that_lie_apart() -> None:
    maps = torch.randn(8, 3, 4, 4)
    found = with_spread(maps)[:, -1, 0, 0]
    for start in (0, 1):
        group = maps[start::2]
        assert torch.allclose(found[start::2], (group.var(0, correction=0) + 1e-8).sqrt().mean())
    assert with_spread(maps[:3]).shape == (3, 4, 4, 4)


def made(**options: Any) -> tuple[StyleGAN2, State]:
    kind = load_variant("stylegan2")
    small = {"width": 4, "style": 8, "latent_dim": 8}
    config: RunConfig = resolve("stylegan2", kind.Options, {"dataset": "x"}, kind.defaults, {**small, **options})
    variant = kind(config, DataInfo("x", "images", (1, 16, 16)), make_loss(kind, config))
    assert isinstance(variant, StyleGAN2)
    return variant, State(variant.build(), {}, {}, variant.trick_memory())


def test_path_lengths_are_those_along_the_styles() -> None:
    torch.manual_seed(0)
    variant, state = made(mixing=0.0)
    network = state.networks["generator"]
    assert isinstance(network, StyleGenerator)
    styles, images = network.paths(torch.randn(4, 8))
    assert styles.shape == (4, network.count, 8)
    assert torch.autograd.grad(images.sum(), styles)[0].abs().sum(2).gt(0).all(), "they enter at every place"
    batch: dict[str, Tensor] = {"images": torch.zeros(8, 1, 16, 16)}
    losses = variant.path_length_loss(state, batch)
    assert float(losses["total"].detach()) == pytest.approx(8 * float(losses["path_penalty"].detach()), rel=1e-5)
    assert state.memory.keys() == {"path_length.mean"}, "runs from before this was a trick are resumed by that name"


def test_regularisation_is_lazy_and_adam_follows() -> None:
    variant, state = made(path_every=4)
    assert [(u.name, u.player, u.every) for u in variant.updates()] == [
        ("penalty", "discriminator", 16), ("discriminator", "discriminator", 1), ("generator", "generator", 1),
        ("path_length", "generator", 4),
    ]  # fmt: skip
    group = variant.optimizer("generator", list(state.networks["generator"].parameters())).param_groups[0]
    assert group["lr"] == pytest.approx(2.5e-3 * 0.8)
    assert group["betas"] == pytest.approx((0.0, 0.99**0.8))
    assert [u.name for u in made(path_length=0.0)[0].updates()][-1] == "generator"
