"""progan and lapgan: growth, blending, levels that are not computed, the chain of a pyramid."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

import ganzoo
from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import Interrupted
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.registry.registry import registry
from ganzoo_zoo.pyramids.lapgan import LAPGAN, Pyramid, resized, sides_of
from ganzoo_zoo.pyramids.networks import PARTS, GrowingDiscriminator, GrowingGenerator, enlarged, halved, pixel_norm
from ganzoo_zoo.pyramids.progan import ProGAN

from ..training.helpers import TINY, StopAt, assert_same, history, state_of


def pair(side: int = 16, classes: int = 0) -> tuple[GrowingGenerator, GrowingDiscriminator]:
    torch.manual_seed(0)
    return GrowingGenerator(8, 4, (3, side, side), classes), GrowingDiscriminator(4, (3, side, side), classes)


def progan(steps: int = 40, **options: object) -> ProGAN:
    variant_class = load_variant("progan")
    given = {**options, "steps": steps}
    config: RunConfig = resolve("progan", variant_class.Options, {"dataset": "x"}, variant_class.defaults, given)
    variant = variant_class(config, DataInfo("digits", "images", (1, 16, 16)), make_loss(variant_class, config))
    assert isinstance(variant, ProGAN)
    return variant


@pytest.mark.parametrize("side", [8, 15, 28, 32, 45])
def test_images_have_any_side(side: int) -> None:
    generator, judge = pair(side, 3)
    images = generator(torch.randn(4, 8), torch.tensor([0, 1, 2, 0]))
    assert images.shape == (4, 3, side, side)
    assert judge(images, torch.tensor([0, 1, 2, 0])).shape == (4,)


def test_a_level_that_is_not_computed_would_have_changed_nothing() -> None:
    generator, judge = pair()
    latents, images = torch.randn(4, 8), torch.rand(4, 3, 16, 16)
    for grown in (0, PARTS // 3, PARTS):  # of three levels: the first, between, the second
        for network in (generator, judge):
            network.growth.grown.fill_(grown)
            network.growth.levels = 3
        whole = generator(latents), judge(images)
        generator.growth.levels = judge.growth.levels = 2
        assert torch.equal(generator(latents), whole[0])
        assert torch.equal(judge(images), whole[1])


def test_between_two_levels_images_are_blended() -> None:
    generator, _ = pair()
    latents = torch.randn(4, 8)
    found = {}
    for grown in (0, PARTS, PARTS // 4):
        generator.growth.grown.fill_(grown)
        found[grown] = generator(latents)
    torch.testing.assert_close(found[PARTS // 4], 0.75 * found[0] + 0.25 * found[PARTS])


def test_at_a_low_level_d_sees_means_of_pixels() -> None:
    _, judge = pair()
    images = torch.rand(4, 3, 16, 16)
    coarse = enlarged(enlarged(halved(halved(images)), 8), 16)
    judge.growth.grown.zero_()
    torch.testing.assert_close(judge(images), judge(coarse))
    judge.growth.grown.fill_(PARTS)
    assert not torch.allclose(judge(images), judge(coarse))


def test_halving_undoes_enlarging_also_of_an_odd_side() -> None:
    for side in (8, 7):
        small = torch.rand(2, 3, 4, 4)
        torch.testing.assert_close(halved(enlarged(small, side)), small)
    assert pixel_norm(torch.randn(2, 5, 3, 3)).square().mean(1) == pytest.approx(1, abs=1e-4)


def test_stages_are_the_sides_and_the_last_is_longer() -> None:
    stages = progan(40, last=2.0).stages()
    assert [(stage.name, stage.steps) for stage in stages] == [("4x4", 10), ("8x8", 10), ("16x16", 20)]
    assert sum(stage.steps for stage in progan(1).stages()) == 1


def test_real_images_are_blended_as_the_generated_ones() -> None:
    variant = progan()
    state = State(variant.build(), {}, {}, variant.memory())
    stage = variant.stages()[1]
    assert stage.begin
    stage.begin(state)
    seen: list[Tensor] = []

    def loss(state: State, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        seen.append(batch["images"])
        return {"total": torch.zeros(())}

    images = torch.rand(2, 1, 16, 16)
    variant.at_level(1, loss, state, {"images": images})
    torch.testing.assert_close(seen[0], enlarged(enlarged(halved(halved(images)), 8), 16))
    for growth in variant.growths(state):
        growth.grown.fill_(PARTS)
    variant.at_level(1, loss, state, {"images": images})
    assert torch.equal(seen[1], images)


def test_networks_grow_and_go_on_exactly_in_the_middle_of_a_fade(tmp_path: Path) -> None:
    more = {**TINY, "steps": 24, "width": 4, "latent_dim": 8, "resolution": 16, "checkpoint_every": 1}
    whole = ganzoo.train("progan", "glyphs", out=tmp_path / "whole", **more)
    assert list(dict.fromkeys(line["stage"] for line in history(whole))) == ["4x4", "8x8", "16x16"]
    state = state_of(whole)
    grown = [tensor for name, tensor in state.items() if name.endswith("growth.grown")]
    assert len(grown) == 3, "G, D, and G's average"
    assert all(int(tensor) == 2 * PARTS for tensor in grown)
    listener = StopAt(8)  # steps 7 to 9 blend the second level in
    registry().attach(listener, "stop")
    try:
        with pytest.raises(Interrupted):
            ganzoo.train("progan", "glyphs", out=tmp_path / "parts", **more)
    finally:
        registry().detach(listener)
    assert_same(state, state_of(ganzoo.train(out=tmp_path / "parts", resume=True)))


def test_the_smallest_picture_has_7_or_8_pixels() -> None:
    assert sides_of((1, 28, 28)) == [7, 14, 28]
    assert sides_of((3, 64, 64)) == [8, 16, 32, 64]
    assert sides_of((3, 9, 9)) == [9]


def test_a_pyramid_adds_details_to_the_enlarged_picture_below() -> None:
    torch.manual_seed(0)
    pyramid = Pyramid(8, 8, 4, (1, 28, 28))
    assert pyramid.latent_dim == 8 + 14**2 + 28**2
    latents = torch.randn(3, pyramid.latent_dim)
    images = pyramid.first(latents[:, :8])
    for details, side, noise in zip(pyramid.details, (14, 28), latents[:, 8:].split([196, 784], 1), strict=True):
        large = interpolate(images, size=(side, side), mode="bilinear", align_corners=False)
        images = details(large, noise.view(3, 1, side, side))
    torch.testing.assert_close(pyramid(latents), images)
    assert float(pyramid.eval()(100 * latents).detach().abs().max()) <= 1


def test_each_level_is_given_real_pictures() -> None:
    variant_class = load_variant("lapgan")
    config = resolve("lapgan", variant_class.Options, {"dataset": "x"}, variant_class.defaults, {"width": 4})
    variant = variant_class(config, DataInfo("digits", "images", (1, 28, 28)), make_loss(variant_class, config))
    assert isinstance(variant, LAPGAN)
    images = torch.rand(5, 1, 28, 28)

    class Loader:
        def draw(self, start: int, n: int) -> dict[str, Tensor]:
            return {"images": images}

    batch = variant.batch(Loader(), 0, 5)  # type: ignore[arg-type]  # a loader of one method
    assert batch["images2"] is images
    torch.testing.assert_close(batch["images1"], halved(images))
    torch.testing.assert_close(batch["coarse2"], resized(batch["images1"], 28))
    state = State(variant.build(), {}, {}, variant.memory())
    for game, side in zip(variant.games(), (7, 14, 28), strict=True):
        made = variant.generated(state, batch, game)
        assert made.shape == batch[game.real].shape == (5, 1, side, side)
        assert variant.discriminate(state, made, batch, game).shape == (5,)
