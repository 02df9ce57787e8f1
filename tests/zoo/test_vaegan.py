"""vaegan: what each of its three players minimises, which network a loss moves, and what comes back of an image."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.data.load import load_dataset
from ganzoo.errors import ConfigError, DataError, UsageError
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.training.setup import prepare
from ganzoo_zoo.vaegan.networks import FeatureDiscriminator, GaussianEncoder
from ganzoo_zoo.vaegan.variant import VAEGAN

from ..training.helpers import TINY

SMALL: dict[str, Any] = {**TINY, "steps": 6, "width": 4, "latent_dim": 8, "resolution": 16}
CLASSES = tuple("0123456789")


def made(**options: Any) -> tuple[VAEGAN, State, dict[str, Tensor]]:
    """Networks that have no randomness left but that of the latents, and a batch."""
    torch.manual_seed(0)
    kind = load_variant("vaegan")
    own = {"width": 4, "latent_dim": 8, **options}
    config = resolve("vaegan", kind.Options, {"dataset": "x"}, kind.defaults, own)
    variant = kind(config, DataInfo("digits", "images", (1, 16, 16), CLASSES), make_loss(kind, config))
    assert isinstance(variant, VAEGAN)
    state = State(variant.build(), {}, {}, {})
    for network in state.networks.values():
        network.eval()
    return variant, state, {"images": torch.rand(6, 1, 16, 16) * 2 - 1, "labels": torch.arange(6)}


def drawn(state: State, batch: dict[str, Tensor], told: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Reconstructions, samples of the prior, and the divergence, in the order in which a loss draws its noise."""
    encoder, generator = state.networks["encoder"], state.networks["generator"]
    mean, log_variance = encoder.body(batch["images"]).chunk(2, 1)
    latents = mean + torch.exp(log_variance / 2) * torch.randn(6, 8)
    labels = batch["labels"] if told else None
    variance = log_variance.exp()
    divergence = -0.5 * (1 + variance.log() - mean**2 - variance).sum(1).mean()
    return generator(latents, labels), generator(torch.randn(6, 8), labels), divergence


@pytest.mark.parametrize("side", [8, 15, 28, 45])
def test_images_have_any_side_and_features_come_from_any_hidden_layer(side: int) -> None:
    images = torch.rand(2, 3, side, side)
    encoder = GaussianEncoder(5, 4, (3, side, side)).eval()
    assert encoder(images).shape == (2, 5)
    torch.testing.assert_close(encoder(images), encoder.distribution(images)[0])
    judge = FeatureDiscriminator(4, (3, side, side)).eval()
    last = judge.body[-1]
    torch.testing.assert_close(judge(images), last(judge.body[:-1](images)).flatten())
    torch.testing.assert_close(judge.features(images), judge.body[:-1](images).flatten(1))
    first = FeatureDiscriminator(4, (3, side, side), layer=1)
    torch.testing.assert_close(first.features(images), first.body[:2](images).flatten(1))
    with pytest.raises(ConfigError, match="layer = 9: images of this size have"):
        FeatureDiscriminator(4, (3, side, side), layer=9)


@pytest.mark.parametrize("conditional", [False, True])
def test_the_three_losses_are_those_of_algorithm_1(conditional: bool) -> None:
    variant, state, batch = made(gamma=0.3, kl_weight=0.5, conditional=conditional)
    judge = state.networks["discriminator"]
    assert isinstance(judge, FeatureDiscriminator)
    labels = batch["labels"] if conditional else None

    def noise() -> None:
        torch.manual_seed(1)

    noise()
    decoded, prior, divergence = drawn(state, batch, conditional)
    real, back, new = (judge(images, labels) for images in (batch["images"], decoded, prior))
    likeness = 0.5 * (judge.features(decoded, labels) - judge.features(batch["images"], labels)).pow(2).sum(1).mean()

    noise()
    found = variant.discriminator_loss(state, batch)["total"]
    expected = softplus(-real).mean() + 0.5 * (softplus(back).mean() + softplus(new).mean())
    torch.testing.assert_close(found, expected)

    noise()
    found = variant.generator_loss(state, batch)["total"]
    torch.testing.assert_close(found, 0.5 * (softplus(-back).mean() + softplus(-new).mean()) + 0.3 * likeness)

    noise()
    losses = variant.encoder_loss(state, batch)
    torch.testing.assert_close(losses["divergence"], divergence)
    torch.testing.assert_close(losses["total"], 0.5 * divergence + likeness)


def test_each_loss_reaches_only_what_the_paper_says() -> None:
    """The encoder hears nothing of D's verdict, the generator's loss stops before the encoder, D's before both."""
    variant, state, batch = made()
    reached = {
        "discriminator": {"discriminator"}, "generator": {"generator", "discriminator"},
        "encoder": {"encoder", "generator", "discriminator"},
    }  # fmt: skip
    for update in variant.updates():
        for network in state.networks.values():
            network.zero_grad(set_to_none=True)
        update.loss(state, batch)["total"].backward()
        there = {n for n, net in state.networks.items() if any(p.grad is not None for p in net.parameters())}
        assert there == reached[update.name]
        assert variant.players()[update.player] == (update.name,), "only this one moves"
    last = state.networks["discriminator"].body[-1]
    assert last.weight.grad is None, "the encoder's loss, which was the last, ends at the features"


def test_an_image_comes_back_more_like_itself_after_training(tmp_path: Path) -> None:
    settings = {**SMALL, "width": 8, "batch_size": 32, "metrics": "", "lr": 2e-3}
    errors = []
    for steps in (1, 250):
        run = ganzoo.train("vaegan", "glyphs", out=tmp_path / str(steps), **{**settings, "steps": steps})
        (found,) = ganzoo.evaluate(run.path, ["reconstruction-l1"])
        errors.append(found.values["mean"])
        assert 0 < found.values["squared"] < found.values["mean"]
    assert errors[1] < 0.7 * errors[0]
    assert errors[1] < found.values["average image"]


def test_reconstructions_of_a_conditional_one_are_told_the_class(tmp_path: Path) -> None:
    run = ganzoo.train("vaegan", "glyphs", out=tmp_path / "run", conditional=True, metrics="", **SMALL)
    (found,) = ganzoo.evaluate(run.path, ["reconstruction-l1"])
    test = load_dataset("glyphs", run.config, "test")
    images = test.source.fetch(torch.arange(len(test.source)))
    with torch.no_grad():
        again = run.generator()(run.encode(images), test.labels).clamp(-1, 1)
    expected = (again - (images / 127.5 - 1)).abs().mean() / 2
    assert found.value == pytest.approx(float(expected), rel=1e-4)


def test_classes_are_needed_where_they_are_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "plain").mkdir()
    for i in range(4):
        Image.new("RGB", (16, 16), (60 * i, 0, 0)).save(tmp_path / "plain" / f"{i}.png")
    plain = f"folder:{tmp_path / 'plain'}"
    with pytest.raises(ConfigError, match=r"conditional = true: .* has no labels"):
        prepare("vaegan", plain, settings={**SMALL, "conditional": True, "metrics": ""})
    run = ganzoo.train("vaegan", "shapes", out=tmp_path / "run", conditional=True, **{**SMALL, "metrics": ""})
    with pytest.raises(DataError, match="has no labels, which the generator"):
        ganzoo.evaluate(run.path, ["reconstruction-l1"], reference=plain)


@pytest.mark.parametrize("variant", ["bigan", "vaegan"])
def test_every_encoder_with_its_generator_is_measured(variant: str, tmp_path: Path) -> None:
    run = ganzoo.train(variant, "glyphs", out=tmp_path / "run", metrics="", **SMALL)
    (found,) = ganzoo.evaluate(run.path, ["reconstruction-l1@encoder"])
    assert 0 < found.value < 1


def test_a_reader_of_codes_gives_no_reconstruction(tmp_path: Path) -> None:
    settings = {**TINY, "steps": 2, "width": 4, "resolution": 16, "metrics": ""}
    run = ganzoo.train("infogan", "glyphs", out=tmp_path / "run", **settings)
    with pytest.raises(UsageError, match="has no generator that takes the latents of its encoder"):
        ganzoo.evaluate(run.path, ["reconstruction-l1"])
