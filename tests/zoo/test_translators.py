"""pix2pix, cyclegan, cogan, and the networks that they share."""

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.training.loop import new_state
from ganzoo.training.trainer import Trainer
from ganzoo_zoo.cogan.variant import PairGenerator
from ganzoo_zoo.translators import BatchNorm, Noise, PatchDiscriminator, ResNetTranslator, UNet, varied

PAIRS = DataInfo("pairs", "images", (1, 16, 16), fields=("images", "target"), extra={"target_shape": [3, 16, 16]})
SECOND = DataInfo("b", "images", (1, 16, 16))
UNPAIRED = DataInfo("a", "images", (1, 16, 16), fields=("images", "second.images"), second=SECOND)


def made(name: str, data: DataInfo, **options: object) -> Variant:
    variant_class = load_variant(name)
    config: RunConfig = resolve(name, variant_class.Options, {"dataset": "x"}, variant_class.defaults, options)
    return variant_class(config, data, make_loss(variant_class, config))


def state_of(variant: Variant) -> State:
    return State(variant.build(), {}, {}, variant.memory())


@pytest.mark.parametrize("side", [16, 28, 45])
@pytest.mark.parametrize("shape", [(16, 16), (28, 28), (37, 50), (64, 48)])
def test_a_translator_takes_sides_of_any_length(side: int, shape: tuple[int, int]) -> None:
    for network in (UNet((1, 3), side, 2, noise=True), ResNetTranslator((1, 3), 2, 1)):
        assert network(torch.rand(2, 1, *shape)).shape == (2, 3, *shape)


@pytest.mark.parametrize(("patch", "sees"), [(1, 1), (16, 16), (34, 34), (70, 70), (142, 142)])
def test_a_logit_sees_a_patch_of_the_size_that_is_said(patch: int, sees: int) -> None:
    network = PatchDiscriminator(1, 256, 2, patch, "none")
    images = torch.rand(1, 1, 256, 256, requires_grad=True)
    logits = network(images)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    seen = images.grad[0, 0].nonzero()
    assert (seen.max(0)[0] - seen.min(0)[0] + 1).tolist() == [sees, sees]


def test_the_u_net_of_256_pixels_is_that_of_the_paper() -> None:
    network = UNet((3, 3), 256, 64)
    maps = [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert maps == [64, 128, 256, 512, 512, 512, 512, 512]
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(54.4e6, rel=0.01)  # as in the authors' code


def test_after_training_batch_normalisation_looks_at_one_image_alone() -> None:
    layer, maps = BatchNorm(3), torch.rand(4, 3, 5, 5)
    layer(10 * maps)
    layer.eval()
    alone = torch.cat([layer(each[None]) for each in maps])
    assert torch.allclose(layer(maps), alone, atol=1e-6)
    assert layer(maps).mean((2, 3)).abs().max() < 1e-5


def test_the_noise_stays_on_after_training_and_is_always_the_same() -> None:
    layer, maps = Noise().eval(), torch.ones(2, 64, 8, 8)
    found = layer(maps)
    assert torch.equal(found, layer(maps))
    assert torch.equal(found[0], found[1])
    assert set(found.unique().tolist()) == {0.0, 2.0}
    assert float((found > 0).float().mean()) == pytest.approx(0.5, abs=0.02)
    assert float((found[0] > 0).float().mean((1, 2)).std()) < 0.15  # in no channel is all or nothing left out
    assert not torch.equal(layer.train()(maps), layer(maps))


def test_both_sides_of_a_pair_are_varied_alike() -> None:
    images = torch.rand(8, 1, 20, 20)
    batch = {"images": images, "target": images.expand(-1, 3, -1, -1), "second.images": images}
    found = varied(batch, [("images", "target"), ("second.images",)], True, 0.2, 40)
    assert torch.equal(found["target"], found["images"].expand(-1, 3, -1, -1))
    assert not torch.equal(found["second.images"], found["images"])
    again = varied(batch, [("images", "target")], True, 0.2, 40)
    assert torch.equal(again["images"], found["images"])
    assert not torch.equal(varied(batch, [("images",)], True, 0.2, 41)["images"], found["images"])
    plain = varied(batch, [("images",)], True, 0.0, 40)["images"]
    turned = [bool(torch.equal(a, b.flip(2))) for a, b in zip(plain, images, strict=True)]
    assert {bool(torch.equal(a, b)) or t for a, b, t in zip(plain, images, turned, strict=True)} == {True}
    assert len(set(turned)) == 2


def batch_of(*names: str) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return {name: torch.rand(4, 3 if name == "target" else 1, 16, 16, generator=rng) * 2 - 1 for name in names}


@pytest.mark.parametrize(("game", "l1"), [("none", 100.0), ("conditional", 0.0), ("unconditional", 100.0)])
def test_the_ablations_of_pix2pix_are_settings(game: str, l1: float) -> None:
    variant = made("pix2pix", PAIRS, width=2, game=game, l1=l1)
    state, batch = state_of(variant), batch_of("images", "target")
    losses = variant.generator_loss(state, batch)
    adversarial = losses["total"] - l1 * losses["l1"]
    assert (abs(float(adversarial.detach())) < 1e-4) == (game == "none")
    assert ("discriminator" in state.networks) == ("discriminator" in variant.players()) == (game != "none")
    assert len(variant.stages()[0].updates) == (1 if game == "none" else 2)
    if game != "none":
        inputs = next(state.networks["discriminator"].parameters()).shape[1]
        assert inputs == (4 if game == "conditional" else 3)


@torch.no_grad()
def test_the_terms_of_cyclegan_are_those_of_the_paper() -> None:
    variant = made("cyclegan", UNPAIRED, width=2, blocks=1, pool=0)
    state, batch = state_of(variant), batch_of("images", "second.images")
    a, b, networks = batch["images"], batch["second.images"], state.networks
    losses = variant.generator_loss(state, batch)
    fake_b, fake_a = networks["a2b"](a), networks["b2a"](b)
    cycle = (networks["b2a"](fake_b) - a).abs().mean() + (networks["a2b"](fake_a) - b).abs().mean()
    same = (networks["a2b"](b) - b).abs().mean() + (networks["b2a"](a) - a).abs().mean()
    game = (networks["judge_b"](fake_b) - 1).square().mean() + (networks["judge_a"](fake_a) - 1).square().mean()
    assert float(losses["cycle"]) == pytest.approx(float(cycle), rel=1e-5)
    expected = variant.loss.generator(networks["judge_b"](fake_b)) + variant.loss.generator(networks["judge_a"](fake_a))
    assert float(expected) in (pytest.approx(float(game), rel=1e-5), pytest.approx(float(game) / 2, rel=1e-5))
    assert float(losses["total"] - 10 * cycle - 5 * same) == pytest.approx(float(expected), rel=1e-4)


def test_sets_of_different_channels_have_no_identity() -> None:
    data = dataclasses.replace(UNPAIRED, second=dataclasses.replace(SECOND, shape=(3, 16, 16)))
    variant = made("cyclegan", data, width=2, blocks=1, pool=0)
    batch = {"images": torch.rand(2, 1, 16, 16), "second.images": torch.rand(2, 3, 16, 16)}
    assert "identity" not in variant.generator_loss(state_of(variant), batch)


def test_both_pictures_of_cogan_come_from_the_same_layers() -> None:
    variant = made("cogan", UNPAIRED, width=4)
    networks = variant.build()
    generator = networks["generator"]
    assert isinstance(generator, PairGenerator)
    first, second = (generator.sample(3, seed=1, domain=name) for name in ("first", "second"))
    assert not torch.equal(first, second)
    assert networks["judge_a"].shared is networks["judge_b"].shared
    assert networks["judge_a"].own is not networks["judge_b"].own
    pictures, columns = variant.preview(generator)
    assert (len(pictures), columns) == (64, 8)


@pytest.mark.parametrize("name", ["cyclegan", "cogan"])
def test_sets_of_different_sides_are_refused(name: str, ganzoo_cli) -> None:
    done = ganzoo_cli("train", name, "--dataset", "shapes", "--second", "glyphs", "--out", "run", code=2)
    assert "32x32 and 28x28" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 or "error: the two sets have images of" in done.stderr


@pytest.mark.parametrize(("name", "data", "role"), [
    ("pix2pix", PAIRS, "generator"), ("cyclegan", UNPAIRED, "a2b"), ("inpainting", PAIRS, "generator"),
])  # fmt: skip
def test_images_are_made_once_an_iteration(name: str, data: DataInfo, role: str) -> None:
    """The discriminators judge the very images that the generators' update differentiates."""
    variant = made(name, data, width=2)
    state = state_of(variant)
    calls: list[Tensor] = []
    state.networks[role].register_forward_hook(lambda module, inputs, output: calls.append(output))
    batch = {"images": torch.rand(4, 1, 16, 16), "target": torch.rand(4, 3, 16, 16)}
    batch |= {"second.images": torch.rand(4, 1, 16, 16), "given": torch.rand(4, 2, 16, 16)}
    variant.discriminator_loss(state, batch)["total"].backward()
    assert len(calls) == 1
    variant.generator_loss(state, batch)["total"].backward()
    assert len(calls) == (2 if name == "cyclegan" else 1)  # the second is the way back
    assert all(p.grad is not None for p in state.networks[role].parameters() if p.requires_grad)
    variant.generator_loss(state, batch)["total"].backward()  # a second step of the generator makes them anew


def test_parts_of_an_accumulated_batch_are_made_anew_and_give_the_gradient_of_the_whole() -> None:
    found = {}
    for accumulate in (1, 2):
        torch.manual_seed(0)
        variant = made("pix2pix", PAIRS, width=2, norm="none", noise=False, accumulate=accumulate, batch_size=4)
        state = new_state(variant, torch.device("cpu"))
        trainer = Trainer(variant, state, None, torch.device("cpu"))  # type: ignore[arg-type]  # batches are given
        rng = torch.Generator().manual_seed(1)
        batch = {"images": torch.rand(4, 1, 16, 16, generator=rng), "target": torch.rand(4, 3, 16, 16, generator=rng)}
        for update in variant.updates():
            trainer.apply_update(update, batch)
        found[accumulate] = [p.detach() for p in state.networks["generator"].parameters()]
    for one, two in zip(found[1], found[2], strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-5)


def test_the_identity_of_cyclegan_is_of_the_target_sets_images() -> None:
    variant = made("cyclegan", UNPAIRED, width=2, blocks=1)
    state = state_of(variant)
    batch = {"images": torch.rand(3, 1, 16, 16), "second.images": torch.rand(3, 1, 16, 16)}
    losses = variant.generator_loss(state, dict(batch))
    a, b = batch["images"], batch["second.images"]
    expected = (state.networks["a2b"](b) - b).abs().mean() + (state.networks["b2a"](a) - a).abs().mean()
    torch.testing.assert_close(losses["identity"], expected, rtol=1e-5, atol=1e-6)
