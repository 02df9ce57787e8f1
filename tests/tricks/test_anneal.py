"""Settings that change over a training: what they are in each step, exact resume, what is refused."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, Interrupted, UnknownNameError
from ganzoo.registry.registry import registry
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.session import setting
from ganzoo.training.setup import prepare

from ..training.helpers import TINY, StopAt, assert_same, state_of

SMALL: dict[str, Any] = {**TINY, "steps": 10, "width": 4, "d_norm": "none", "resolution": 16}


def half_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(1, share)))


def test_every_setting_goes_from_its_value_to_the_other(tmp_path: Path) -> None:
    more = {"lr": 1e-3, "beta2": 0.9, "r1": 2.0, "diffaugment": "translation", "ema_ramp": 0.0, "ema_halflife": 100}
    anneal = "lr=1e-4, beta2=0.99, r1=0.5, diffaugment=0.2, ema_halflife=400"
    job = prepare("dcgan", "glyphs", out=tmp_path / "x", settings={**SMALL, **more, "anneal": anneal})
    with setting(job.config, job.device):
        nothing: Any = None
        state = new_state(job.variant, job.device)
        loop = TrainingLoop(job.variant, state, job.dataset, nothing, nothing, job.device)
        for number in range(1, 11):
            share = (number - 1) / 10
            loop.trainer.iterate(loop.stages[0], number)
            for optimizer in state.optimizers.values():
                (group,) = optimizer.param_groups
                assert float(group["lr"]) == pytest.approx(half_cosine(1e-3, 1e-4, share))
                assert group["betas"] == pytest.approx((0.5, half_cosine(0.9, 0.99, share)))
            assert float(state.memory["anneal.r1"]) == pytest.approx(half_cosine(2, 0.5, share))
            assert float(state.memory["anneal.diffaugment"]) == pytest.approx(half_cosine(1, 0.2, share))
            done = loop.trainer.ema_halflife(state.images)
            assert done == pytest.approx(half_cosine(100, 400, number / 10))


def test_the_weight_that_is_used_is_the_one_that_is_now(tmp_path: Path) -> None:
    job = prepare("dcgan", "glyphs", out=tmp_path / "x", settings={**SMALL, "r1": 2.0, "anneal": "r1=1"})
    state = new_state(job.variant, job.device)
    batch = {"images": torch.rand(4, 1, 16, 16)}
    found = []
    for value in (2.0, 1.0):
        state.memory["anneal.r1"].fill_(value)
        found.append(job.variant.discriminator_loss(state, batch)["r1_penalty"].detach())  # type: ignore[attr-defined]  # of a GAN
    torch.testing.assert_close(found[0], 2 * found[1])


def test_it_goes_on_exactly(tmp_path: Path) -> None:
    more = {**SMALL, "steps": 20, "r1": 1.0, "anneal": "lr=1e-5,beta2=0.9,r1=0.1", "anneal_images": 120}
    whole = ganzoo.train("dcgan", "glyphs", out=tmp_path / "whole", **more)
    listener = StopAt(8)
    registry().attach(listener, "stop")
    try:
        with pytest.raises(Interrupted):
            ganzoo.train("dcgan", "glyphs", out=tmp_path / "parts", **more)
    finally:
        registry().detach(listener)
    assert_same(state_of(whole), state_of(ganzoo.train(out=tmp_path / "parts", resume=True)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"anneal": "lr"}, "'lr' must be NAME=NUMBER"),
        ({"anneal": "lr=fast"}, "'lr=fast' must be NAME=NUMBER"),
        ({"anneal": "lr=1e-4,lr=1e-5"}, "must be NAME=NUMBER, once"),
        ({"anneal": "beta2=1"}, "in its range"),
        ({"anneal": "beta2=5"}, "in its range"),
        ({"anneal": "diffaugment=2"}, "in its range"),
        ({"anneal": "lr=-1"}, "in its range"),
        ({"anneal": "ema_halflife=0"}, "in its range"),
        ({"anneal": "r1=1"}, "r1 is not used by these settings"),
        ({"anneal": "diffaugment=0.5"}, "diffaugment is not used"),
        ({"anneal": "lr=1e-5", "lr_schedule": "cosine"}, "has a schedule already"),
        ({"anneal": "diffaugment=0.5", "diffaugment": "color", "ada": 0.6}, "which ada = 0.6 controls"),
        ({"anneal_images": 5}, "without anneal does nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare("dcgan", "glyphs", out=tmp_path / "x", settings={**SMALL, **settings})


def test_what_cannot_be_annealed_is_refused_with_the_names_that_can(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown setting of anneal 'r3'"):
        prepare("dcgan", "glyphs", out=tmp_path / "x", settings={**SMALL, "anneal": "r3=1"})
    with pytest.raises(ConfigError, match="beta2 is no setting of variant 'wgan'"):
        prepare("wgan", "glyphs", out=tmp_path / "x", settings={**SMALL, "anneal": "beta2=0.9"})
