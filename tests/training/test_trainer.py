"""The trainer is an interface with a default: a variant may name its own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.models.interfaces import Generator
from ganzoo.models.variant import Variant
from ganzoo.plugin import Batch, Losses, Stage, State, Trainer, Update
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import VariantSpec
from ganzoo.runs.trained import TrainedRun
from ganzoo.testing import check_variant

from .helpers import assert_same, history, state_of


class Extragradient(Trainer):
    """Each iteration looks ahead: all players step, their gradients are taken there, and step from where they were.

    arXiv:1802.10551, algorithm 2.
    """

    def iterate(self, stage: Stage, number: int) -> None:
        self.enter(stage, number)
        self.set_rates(stage, number)
        updates = self.due(stage, number)
        before = {p: p.detach().clone() for parameters in self._parameters.values() for p in parameters}
        self.step_together(updates, self.next_batch())
        ahead = self.next_batch()
        for update in updates:
            self.compute_gradients(update, ahead)
        with torch.no_grad():
            for parameter, value in before.items():
                parameter.copy_(value)
        for update in updates:
            self.step(update)
        self.advance()
        self.average()

    def step_together(self, updates: tuple[Update, ...], batch: Batch) -> None:
        """Gradients of all players where they are, and only then their steps."""
        for update in updates:
            self.compute_gradients(update, batch)
        for update in updates:
            self.step(update)


class Number(Generator):
    """A single number."""

    def __init__(self) -> None:
        super().__init__(latent_dim=1)
        self.value = nn.Parameter(torch.ones(1))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.value.expand(len(latents), 2)


class Bilinear(Variant):
    """min over x, max over y of x y: simultaneous gradient steps spiral outwards."""

    def networks(self) -> dict[str, nn.Module]:
        return {"x": Number(), "y": Number()}

    def players(self) -> dict[str, tuple[str, ...]]:
        return {"x": ("x",), "y": ("y",)}

    def exports(self) -> dict[str, str]:
        return {"generator": "x"}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=0.2)

    def stages(self) -> list[Stage]:
        return [Stage("game", self.config.steps, (Update("x", "x", self.loss_of_x), Update("y", "y", self.loss_of_y)))]

    def product(self, state: State) -> Tensor:
        return (state.networks["x"].value * state.networks["y"].value).sum()  # type: ignore[operator]

    def loss_of_x(self, state: State, batch: Batch) -> Losses:
        return {"total": self.product(state)}

    def loss_of_y(self, state: State, batch: Batch) -> Losses:
        return {"total": -self.product(state)}


class Calm(Bilinear):
    """The same game with its own trainer."""

    trainer = Extragradient


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both as variants, for these tests."""
    zoo = registry().variants
    offers = dict(zoo._offers)
    for name, cls in (("bilinear", Bilinear), ("calm", Calm)):
        spec = VariantSpec(name=name, load="tests:x", summary="a game of two numbers", models=("points",))
        offers[name] = [(spec, zoo.plugin("vanilla"))]
        monkeypatch.setitem(CLASSES, name, cls)
    monkeypatch.setattr(zoo, "_offers", offers)
    load = zoo.load
    monkeypatch.setattr(zoo, "load", lambda name: CLASSES[name] if name in CLASSES else load(name))


CLASSES: dict[str, Any] = {}
SETTINGS: dict[str, Any] = {"batch_size": 4, "device": "cpu", "log_every": 20, "diagnostics": False, "ema_halflife": 0}


def distance(run: TrainedRun) -> float:
    """From the equilibrium, which is 0."""
    values = state_of(run)
    return float((values["networks/x/value"].square() + values["networks/y/value"].square()).sqrt())


def test_a_variant_may_take_steps_of_its_own(tmp_path: Path) -> None:
    plain = ganzoo.train("bilinear", "ring", out=tmp_path / "plain", steps=200, **SETTINGS)
    calm = ganzoo.train("calm", "ring", out=tmp_path / "calm", steps=200, **SETTINGS)
    assert distance(plain) > 0.5, "alternating steps go round in circles"
    assert distance(calm) < 0.05, "extragradient steps end at the equilibrium"
    assert history(calm)[-1]["images"] == 800
    assert {"x_loss", "y_loss"} <= history(calm)[-1].keys()


def test_its_resume_is_exact_and_it_keeps_the_contract(tmp_path: Path) -> None:
    whole = ganzoo.train("calm", "ring", out=tmp_path / "whole", steps=9, **SETTINGS)
    ganzoo.train("calm", "ring", out=tmp_path / "part", steps=5, **SETTINGS)
    assert_same(state_of(whole), state_of(ganzoo.train(out=tmp_path / "part", resume=True, steps=9)))
    check_variant("calm", "ring")
