"""Numbers that break, and memory that runs out: what is said, and what the training does about it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.errors import NotFiniteError, TrainingError, UsageError
from ganzoo.models.adversarial import GAN
from ganzoo.models.state import State
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo.training.trainer import Trainer, sentinels

from .helpers import assert_same, history, state_of, train

SETTINGS: dict[str, Any] = {"dataset": "ring", "checkpoint_every": 2, "log_every": 1, "keep": 3}


class Breaks(torch.autograd.Function):
    """The identity, whose gradient is not a number."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * torch.nan


def break_when(monkeypatch: pytest.MonkeyPatch, when: Any, gradient: bool = False) -> None:
    """G's loss, or its gradient, is not a number while ``when(state)``."""
    plain = GAN.generator_loss

    def broken(self: GAN, state: State, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        losses = plain(self, state, batch)
        if when(state):
            losses["total"] = Breaks.apply(losses["total"]) if gradient else losses["total"] * torch.nan
        return losses

    monkeypatch.setattr(GAN, "generator_loss", broken)


def test_a_broken_gradient_stops_the_run_at_that_step_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_when(monkeypatch, lambda state: state.step == 4, gradient=True)
    with pytest.raises(NotFiniteError, match=r"gradient of body\.0\.weight of network 'generator'.* of step 5\."):
        train(tmp_path / "run", 10, "vanilla", **SETTINGS)
    details = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (details["status"], details["step"]) == ("failed", 4)
    assert ganzoo.open_run(tmp_path / "run").sample(2).isfinite().all()


def test_sentinels_are_small_or_the_smallest() -> None:
    large, small = torch.nn.Parameter(torch.zeros(100, 100)), torch.nn.Parameter(torch.zeros(3))
    assert sentinels([large, small]) == [small]
    assert sentinels([torch.nn.Parameter(torch.zeros(200, 100)), large]) == [large]


def test_it_goes_back_and_on_with_other_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch at that position breaks it: after going back, the samples are those that follow it."""
    break_when(monkeypatch, lambda state: state.step == 4 and not state.skipped)
    with pytest.warns(TrainingWarning, match=r"rolled-back at step 4: .*'generator' is nan in step 5.*Went back"):
        run = train(tmp_path / "run", 10, "vanilla", **SETTINGS, on_nonfinite="rollback")
    assert run.status == "finished"
    assert [line["step"] for line in history(run)] == list(range(1, 11))
    assert run.details["rollbacks"] == 1
    assert [w["name"] for w in run.details["warnings"]] == ["rolled-back"]


def test_a_run_that_has_gone_back_is_resumed_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_when(monkeypatch, lambda state: state.step == 4 and not state.skipped)
    with pytest.warns(TrainingWarning, match="rolled-back"):
        whole = train(tmp_path / "whole", 10, "vanilla", **SETTINGS, on_nonfinite="rollback")
    with pytest.warns(TrainingWarning, match="rolled-back"):
        train(tmp_path / "cut", 6, "vanilla", **SETTINGS, on_nonfinite="rollback")
    resumed = ganzoo.train(out=tmp_path / "cut", resume=True, steps=10)
    assert_same(state_of(whole), state_of(resumed))
    assert history(whole) == history(resumed)


@pytest.mark.filterwarnings("ignore:rolled-back")
def test_it_goes_back_a_bounded_number_of_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_when(monkeypatch, lambda state: state.step == 4)
    with pytest.raises(NotFiniteError, match="The run has gone back 3 times already"):
        train(tmp_path / "run", 10, "vanilla", **SETTINGS, on_nonfinite="rollback")
    details = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (details["status"], details["rollbacks"]) == ("failed", 3)


def test_without_a_checkpoint_there_is_nothing_to_go_back_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_when(monkeypatch, lambda state: state.step == 0)
    with pytest.raises(NotFiniteError, match="no checkpoint was saved before"):
        train(tmp_path / "run", 10, "vanilla", **SETTINGS, on_nonfinite="rollback")


def test_several_processes_do_not_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="on_nonfinite = 'rollback' works with one process"):
        ganzoo.prepare("vanilla", "ring", settings={"on_nonfinite": "rollback"})


@pytest.mark.parametrize(
    ("room", "said"),
    [(4, "batch_size = 16 does not fit, and 4 did in a trial"), (1, "not even batch_size = 2 fits: smaller networks")],
)
def test_out_of_memory_tells_what_fits(room: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Trainer.next_batch

    def hungry(self: Trainer) -> dict[str, Tensor]:
        if self.batch_size > room:
            raise RuntimeError("can't allocate memory: you tried to allocate 1 bytes")
        return plain(self)

    monkeypatch.setattr(Trainer, "next_batch", hungry)
    with pytest.raises(TrainingError, match=said):
        train(tmp_path / "run", 10, "vanilla", dataset="ring", batch_size=16)
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["status"] == "failed"
