"""bigan: pairs, who minimises what, and what latents know of classes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import DataError, UsageError
from ganzoo.metrics.measures.encoders import with_one
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo_zoo.bigan.networks import JointDiscriminator
from ganzoo_zoo.bigan.variant import BiGAN
from ganzoo_zoo.networks import ConvEncoder

from ..training.helpers import TINY

SMALL: dict[str, Any] = {**TINY, "steps": 6, "width": 4, "hidden": 8, "latent_dim": 8, "resolution": 16}


def made() -> tuple[BiGAN, State, dict[str, Tensor]]:
    torch.manual_seed(0)
    kind = load_variant("bigan")
    config = resolve("bigan", kind.Options, {"dataset": "x"}, kind.defaults, {"width": 4, "hidden": 8, "latent_dim": 8})
    variant = kind(config, DataInfo("digits", "images", (1, 16, 16)), make_loss(kind, config))
    assert isinstance(variant, BiGAN)
    batch = {"images": torch.rand(6, 1, 16, 16) * 2 - 1, "latents": torch.randn(6, 8)}
    return variant, State(variant.build(), {}, {}, {}), batch


@pytest.mark.parametrize("side", [8, 15, 28, 45])
def test_images_have_any_side(side: int) -> None:
    images = torch.rand(2, 3, side, side)
    latents = ConvEncoder(5, 4, (3, side, side))(images)
    assert latents.shape == (2, 5)
    assert JointDiscriminator(5, 4, (3, side, side), 8)(images, latents).shape == (2,)


def test_d_without_latents_is_an_error() -> None:
    with pytest.raises(UsageError, match="needs latents"):
        JointDiscriminator(5, 4, (1, 8, 8), 8)(torch.rand(2, 1, 8, 8))


def test_d_sees_images_with_their_codes_and_drawn_ones_with_their_latents() -> None:
    variant, state, batch = made()
    (images, codes), (drawn, latents) = variant.pairs(state, batch)
    assert images is batch["images"]
    assert latents is batch["latents"]
    state.networks["encoder"].eval()
    state.networks["generator"].eval()
    (_, codes), (drawn, _) = variant.pairs(state, batch)
    assert torch.equal(codes, state.networks["encoder"](images))
    assert torch.equal(drawn, state.networks["generator"](latents))


def test_generator_and_encoder_minimise_ds_loss_with_the_two_kinds_exchanged() -> None:
    variant, state, batch = made()
    real, fake = (variant.judged(state, batch, pair) for pair in variant.pairs(state, batch))
    softplus = torch.nn.functional.softplus
    torch.testing.assert_close(
        variant.discriminator_loss(state, batch)["total"], softplus(-real).mean() + softplus(fake).mean()
    )
    loss = variant.generator_loss(state, batch)["total"]
    torch.testing.assert_close(loss, softplus(-fake).mean() + softplus(real).mean())
    loss.backward()
    for name in ("generator", "encoder"):
        gradient = next(state.networks[name].parameters()).grad
        assert gradient is not None
        assert float(gradient.abs().sum()) > 0


def test_latents_of_a_batch_are_a_function_of_its_position() -> None:
    variant, _, batch = made()

    class Loader:
        def draw(self, start: int, n: int) -> dict[str, Tensor]:
            return {"images": batch["images"]}

    first, again, later = (variant.batch(Loader(), start, 6)["latents"] for start in (0, 0, 6))  # type: ignore[arg-type]  # a loader of one method
    assert torch.equal(first, again)
    assert not torch.equal(first, later)


def test_what_latents_know_of_classes_is_measured(tmp_path: Path) -> None:
    run = ganzoo.train("bigan", "glyphs", out=tmp_path / "run", **SMALL)
    near, probe = ganzoo.evaluate(run.path, ["neighbour-accuracy", "probe-accuracy"])
    assert 0.1 < near.value <= 1, "even untrained convolutions know more than chance"
    assert 0.1 < probe.value <= 1
    assert run.encode(torch.zeros(2, 1, 16, 16)).shape == (2, 8)


def test_classes_are_needed(tmp_path: Path) -> None:
    run = ganzoo.train("bigan", "shapes", out=tmp_path / "run", **SMALL)
    (tmp_path / "plain").mkdir()
    for number in range(3):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / "plain" / f"{number}.png")
    with pytest.raises(DataError, match="has no labels, and probe-accuracy needs classes"):
        ganzoo.evaluate(run.path, ["probe-accuracy"], reference=f"folder:{tmp_path / 'plain'}")


def test_the_probe_has_a_constant() -> None:
    assert with_one(torch.zeros(3, 2)).tolist() == [[0, 0, 1]] * 3
