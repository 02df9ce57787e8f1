"""Games: several heads, several games, gradient accumulation; loss and tricks act on each of them."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganzoo.config.settings import Tricks
from ganzoo.data.base import Dataset
from ganzoo.errors import ConfigError
from ganzoo.models.adversarial import GAN
from ganzoo.models.interfaces import Discriminator
from ganzoo.models.state import Game, State
from ganzoo.runs.run import Run
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.setup import prepare

from ..training.helpers import TINY


class TwoHeads(Discriminator):
    """Images to one logit a sample, and to a map of logits."""

    independent = True
    heads = ("whole", "parts")

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 4, 4)
        self.whole, self.parts = nn.Linear(4 * 16, 1), nn.Conv2d(4, 1, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        maps = self.body(samples).relu()
        return self.whole(maps.flatten(1))[:, 0], self.parts(maps)


class Headed(GAN):
    """The networks of another variant's generator, judged by two heads."""

    generator: Any = None

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": type(self).generator(), "discriminator": TwoHeads()}


class Twice(Headed):
    """Two games of one generator against two discriminators, with weights."""

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": type(self).generator(), "one": TwoHeads(), "two": TwoHeads()}

    def games(self) -> tuple[Game, ...]:
        return Game(discriminator="one", name="first"), Game(discriminator="two", name="second", weight=0.25)


def made(kind: type[Headed], out: Path, **settings: Any) -> tuple[GAN, State, dict[str, Tensor], Dataset]:
    """A variant on images of 16x16, its state, and a batch."""
    job = prepare("vanilla", "glyphs", out=out, settings={**TINY, "steps": 2, "resolution": 16, **settings})
    networks = job.variant.networks
    kind.generator = staticmethod(lambda: networks()["generator"])
    variant = kind(job.config, job.dataset.info, job.variant.loss)
    state = new_state(variant, job.device)
    images = job.dataset.source.fetch(torch.arange(8)).float() / 127.5 - 1
    return variant, state, {"images": images}, job.dataset


def test_the_loss_is_the_mean_over_heads(tmp_path: Path) -> None:
    variant, state, batch, _ = made(Headed, tmp_path / "x")
    fake = torch.rand(8, 1, 16, 16) * 2 - 1
    with torch.no_grad():
        found = float(variant.discriminator_loss(state, batch, {"generator": fake})["total"])
        real_logits, fake_logits = (state.networks["discriminator"](x) for x in (batch["images"], fake))
        expected = [float(variant.loss.discriminator(r, f)) for r, f in zip(real_logits, fake_logits, strict=True)]
        assert found == pytest.approx(sum(expected) / 2, rel=1e-5)
        found = float(variant.generator_loss(state, batch, {"generator": fake})["total"])
        expected = [float(variant.loss.generator(f)) for f in fake_logits]
    assert found == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_a_penalty_sees_every_head(tmp_path: Path) -> None:
    variant, state, batch, _ = made(Headed, tmp_path / "x", r1=2.0)
    losses = variant.discriminator_loss(state, batch)
    real = batch["images"].requires_grad_()
    whole, parts = state.networks["discriminator"](real)
    (slope,) = torch.autograd.grad(whole.sum() + parts.sum(), real)
    expected = float(slope.flatten(1).square().sum(1).mean())
    assert float(losses["r1_penalty"].detach()) == pytest.approx(expected, rel=1e-4)


def test_r2_is_r1_on_generated_samples(tmp_path: Path) -> None:
    variant, state, batch, _ = made(Headed, tmp_path / "x", r2=2.0)
    fake = (torch.rand(8, 1, 16, 16) * 2 - 1).requires_grad_()
    losses = variant.discriminator_loss(state, batch, {"generator": fake})
    whole, parts = state.networks["discriminator"](fake)
    (slope,) = torch.autograd.grad(whole.sum() + parts.sum(), fake)
    expected = float(slope.flatten(1).square().sum(1).mean())
    assert float(losses["r2_penalty"].detach()) == pytest.approx(expected, rel=1e-4)


def test_lazy_penalties_are_rarer_and_as_many_times_as_large(tmp_path: Path) -> None:
    variant, state, batch, _ = made(Headed, tmp_path / "x", r1=2.0, penalty_every=4)
    assert [(update.name, update.every) for update in variant.updates()] == [
        ("penalty", 4), ("discriminator", 1), ("generator", 1),
    ]  # fmt: skip
    assert "r1_penalty" not in variant.discriminator_loss(state, batch)
    lazy = variant.penalty_loss(state, batch)
    at_once = made(Headed, tmp_path / "y", r1=2.0)[0].discriminator_loss(state, batch)
    assert float(lazy["r1_penalty"].detach()) == pytest.approx(float(at_once["r1_penalty"].detach()), rel=1e-4)
    assert float(lazy["total"].detach()) == pytest.approx(4 * float(lazy["r1_penalty"].detach()), rel=1e-5)


def test_with_lazy_penalties_adam_of_d_takes_smaller_steps_and_forgets_slower(tmp_path: Path) -> None:
    state = made(Headed, tmp_path / "x", r1=2.0, penalty_every=4, lr=1e-3, beta1=0.5, beta2=0.99)[1]
    d, g = (state.optimizers[player].param_groups[0] for player in ("discriminator", "generator"))
    assert d["lr"] == pytest.approx(0.8e-3)
    assert d["betas"] == pytest.approx((0.5**0.8, 0.99**0.8))
    assert (g["lr"], g["betas"]) == (1e-3, (0.5, 0.99))


@pytest.mark.parametrize("trick", [{"minibatch_std": True}, {"minibatch_kernels": 3}, {"feature_matching": "beside"}])
def test_a_trick_of_a_single_last_layer_is_refused_for_several(trick: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"TwoHeads has several heads \(whole, parts\)"):
        made(Headed, tmp_path / "x", **trick)


def test_smoothing_reaches_every_head(tmp_path: Path) -> None:
    plain, state, batch, _ = made(Headed, tmp_path / "x")
    fake = torch.rand(8, 1, 16, 16) * 2 - 1
    smooth = type(plain)(dataclasses.replace(plain.config, tricks=Tricks(label_smoothing=0.2)), plain.data, plain.loss)
    with torch.no_grad():
        found = float(smooth.discriminator_loss(state, batch, {"generator": fake})["total"])
        pairs = zip(*(state.networks["discriminator"](x) for x in (batch["images"], fake)), strict=True)
        expected = [
            float(plain.loss.per_sample(r, torch.full_like(r, 0.8)).mean())
            + float(plain.loss.per_sample(f, torch.zeros_like(f)).mean())
            for r, f in pairs
        ]
    assert found == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_several_games_add_up_with_their_weights(tmp_path: Path) -> None:
    variant, state, batch, _ = made(Twice, tmp_path / "x")
    fake = torch.rand(8, 1, 16, 16) * 2 - 1
    with torch.no_grad():
        losses = variant.generator_loss(state, batch, {"generator": fake})
        each = [
            sum(float(variant.loss.generator(head)) for head in state.networks[name](fake)) / 2
            for name in ("one", "two")
        ]
        assert float(losses["total"]) == pytest.approx(each[0] + 0.25 * each[1], rel=1e-5)
        assert float(losses["loss first"]) == pytest.approx(each[0], rel=1e-5)
        losses = variant.discriminator_loss(state, batch, {"generator": fake})
    assert {"D(x) first", "D(x) second", "D(G(z)) first", "D(G(z)) second"} <= losses.keys()
    assert float(losses["total"]) == pytest.approx(float(losses["loss first"] + losses["loss second"]), rel=1e-5)
    assert variant.players()["discriminator"] == ("one", "two")


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    """Without noise of its own: generated samples are given, so that both see the same."""
    gradients = []
    fake = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for parts in (1, 4):
        variant, state, batch, dataset = made(Headed, tmp_path / f"{parts}", accumulate=parts)
        run = Run.create(tmp_path / f"{parts}", variant, {})
        loop = TrainingLoop(variant, state, dataset, run, lambda *a, **k: None, torch.device("cpu"))
        update = dataclasses.replace(
            variant.updates()[0], loss=lambda s, b, v=variant: v.discriminator_loss(s, b, {"generator": b["fake"]})
        )
        losses = loop.trainer.compute_gradients(update, {**batch, "fake": fake})
        gradients.append(([p.grad for p in state.networks["discriminator"].parameters()], losses))
    for whole, summed in zip(gradients[0][0], gradients[1][0], strict=True):
        assert whole is not None
        torch.testing.assert_close(whole, summed, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradients[0][1]["total"], gradients[1][1]["total"])


def test_a_batch_that_cannot_be_divided_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"batch_size = 8 with accumulate = 3: it must be a multiple of 3"):
        made(Headed, tmp_path / "x", accumulate=3)
