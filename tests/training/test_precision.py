"""precision=auto: what is measured and chosen, and that measuring changes nothing that is trained."""

import dataclasses
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ganzoo
from ganzoo.display.course import opening
from ganzoo.errors import ConfigError, NotFiniteError
from ganzoo.models.state import Stage, State, Update
from ganzoo.runs.run import Run
from ganzoo.runtime.processes import World
from ganzoo.training import session as sessions
from ganzoo.training import trials
from ganzoo.training.setup import prepare
from ganzoo.training.trainer import Trainer

from .helpers import TINY, assert_same, history, state_of, train

SETTINGS: dict[str, Any] = {**TINY, "dataset": "ring", "log_every": 10, "sample_every": 1_000, "metrics": ""}
STEPS = 40

Costs = dict[str, float]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Costs], list[str]]]:
    """``machine({"fp32": 2.0, "bf16": 1.0})``: seconds of an iteration on a machine that is as fast as a test wants.

    Gives the arithmetic of every iteration that is taken, of the trial and of the training.
    """
    taken: list[str] = []
    now = [0.0]
    monkeypatch.setattr(trials, "SHARE", 1.0)  # as many iterations as the training: this one is short

    def make(costs: Costs) -> list[str]:
        iterate, choose = Trainer.iterate, trials.choose_precision

        def timed(self: Trainer, stage: Stage, number: int) -> None:
            iterate(self, stage, number)
            taken.append(self.config.precision)
            now[0] += costs[self.config.precision]

        monkeypatch.setattr(Trainer, "iterate", timed)
        monkeypatch.setattr(sessions, "choose_precision", lambda s, _: choose(s, lambda: now[0]))
        return taken

    yield make
    assert taken, "a clock that nothing moves tests nothing"


@pytest.mark.parametrize(("bf16", "chosen"), [(1.0, "bf16"), (1.8, "fp32")])
def test_a_run_is_as_if_the_choice_had_been_made_by_hand(
    bf16: float, chosen: str, machine: Callable[[Costs], list[str]], tmp_path: Path
) -> None:
    by_hand = train(tmp_path / "hand", STEPS, "vanilla", **SETTINGS, precision=chosen)
    taken = machine({"fp32": 2.0, "bf16": bf16})
    run = train(tmp_path / "auto", STEPS, "vanilla", **SETTINGS, precision="auto")
    assert set(taken[:-STEPS]) == {"fp32", "bf16"}
    assert set(taken[-STEPS:]) == {chosen}
    assert len(taken) - STEPS <= STEPS
    assert_same(state_of(by_hand), state_of(run))
    assert history(by_hand) == history(run)
    assert run.config.precision == chosen
    assert f'precision = "{chosen}"' in (run.path / "config.toml").read_text()
    assert run.details["precision"]["steps"] == pytest.approx({"fp32": 2.0, "bf16": bf16})
    said = run.details["precision"]["said"]
    assert said == (
        "precision: bf16, 2.0 times as fast as fp32 on this machine (1e+03 ms against 2e+03 ms a step)"
        if chosen == "bf16"
        else "precision: fp32, bf16 is not 1.15 times as fast on this machine (2e+03 ms against 1.8e+03 ms a step)"
    )
    shown = Run(run.path, run.variant, dict(run.details) | {"step": 0})
    assert opening(shown)[1:] == [said]
    assert len(opening(Run(run.path, run.variant, dict(run.details)))) == 1, "a resumed run has not measured"


def test_a_resume_keeps_the_choice_and_measures_nothing(
    machine: Callable[[Costs], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine({"fp32": 2.0, "bf16": 1.0})
    train(tmp_path / "x", STEPS, "vanilla", **SETTINGS, precision="auto")
    monkeypatch.setattr(sessions, "choose_precision", lambda *_: pytest.fail("measured again"))
    for asked in ({}, {"precision": "auto"}):
        settings = {"steps": STEPS + 4 * (1 + len(asked)), **asked}
        run = ganzoo.train(out=tmp_path / "x", resume=True, **settings)
        assert run.config.precision == "bf16"
    assert run.details["precision"]["precision"] == "bf16"
    with pytest.raises(ConfigError, match="precision = 'fp32' contradicts the run to resume, which has 'bf16'"):
        prepare(out=tmp_path / "x", resume=True, settings={"precision": "fp32"})


def test_a_run_from_before_auto_measured_goes_on_in_fp32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = prepare("vanilla", out=tmp_path / "x", settings={**SETTINGS, "steps": 4, "precision": "auto"})
    monkeypatch.setattr(type(job), "settle_precision", lambda self: None)
    job.train()
    monkeypatch.undo()
    assert 'precision = "auto"' in (tmp_path / "x" / "config.toml").read_text()
    assert ganzoo.train(out=tmp_path / "x", resume=True, steps=8).config.precision == "fp32"


def chosen(settings: dict[str, Any], variant: str = "vanilla", **changed: Any) -> trials.Precision:
    job = prepare(variant, out="never", settings={**SETTINGS, "steps": 100_000, **settings, "precision": "auto"})
    return trials.choose_precision(dataclasses.replace(job, **changed))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 3}, "not measured: 3 steps are too few"),
        ({"r1": 1.0, "penalty_slope": "difference"}, "are lost in bf16"),
        ({"compile": True, "r1": 0.0, "penalty_every": 1}, "with compile both would have to be compiled"),
    ],
)
def test_fp32_stays_where_nothing_is_to_be_measured(
    settings: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "mean_iterations", lambda *_: pytest.fail("measured"))
    found = chosen(settings)
    assert found.precision == "fp32"
    assert said in found.said


def test_bf16_that_fails_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = Trainer.losses

    def failing(self: Trainer, update: Update, batch: Any) -> Any:
        if self.config.precision == "bf16":
            raise NotFiniteError("nan")
        return losses(self, update, batch)

    monkeypatch.setattr(Trainer, "losses", failing)
    found = chosen({})
    assert found.precision == "fp32"
    assert found.said == "precision: fp32, because the trial failed: NotFiniteError: nan"


def test_the_slowest_of_several_processes_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    class Two(World):
        def gather(self, compute: Callable[[], Any]) -> list[Any]:
            own = compute()
            return [own, ({"fp32": 1.0, "bf16": 3.0}, "") if isinstance(own, tuple) else own]

    monkeypatch.setattr(trials, "mean_iterations", lambda *_: {"fp32": 2.0, "bf16": 1.0})
    assert chosen({}).precision == "bf16"
    assert chosen({}, world=Two()).precision == "fp32"


@pytest.mark.parametrize(("steps", "count"), [(140, 1), (1_000, 4), (10**6, 2)])
def test_a_trial_is_a_small_part_of_a_training(steps: int, count: int) -> None:
    pairs = trials.pairs_within(steps, count)
    assert trials.FEWEST <= pairs <= trials.MOST
    assert 2 * count * (pairs + trials.WARM) <= trials.SHARE * steps
    assert trials.pairs_within(steps // 10, count) < pairs or steps == 10**6


def test_iterations_with_other_updates_are_weighed_by_how_often_they_come() -> None:
    def nothing(state: State, batch: Any) -> Any:
        return {}

    stage = Stage("s", 1_000, (
        Update("penalty", "d", nothing, 16), Update("d", "d", nothing), Update("g", "g", nothing, 5),
    ))  # fmt: skip
    found = trials.kinds(stage)
    assert {due: share for due, (_, share) in found.items()} == pytest.approx({
        ("d",): 15 * 4 / 80, ("d", "g"): 15 / 80, ("penalty", "d"): 4 / 80, ("penalty", "d", "g"): 1 / 80,
    })  # fmt: skip
    for due, (number, _) in found.items():
        assert number > 1
        assert due == tuple(u.name for u in stage.updates if number % u.every == 0)
    short = trials.kinds(dataclasses.replace(stage, steps=4))
    assert math.isclose(sum(share for _, share in short.values()), 1)


def test_the_time_to_measure_is_time_of_the_training(machine: Callable[[Costs], list[str]], tmp_path: Path) -> None:
    machine({"fp32": 2_000.0, "bf16": 1_000.0})
    run = train(tmp_path / "x", STEPS, "vanilla", **SETTINGS, precision="auto")
    lines = (run.path / "scalars.jsonl").read_text()
    first = float(lines.splitlines()[0].partition('"seconds": ')[2].partition("}")[0].partition(",")[0])
    assert first >= run.details["precision"]["took"] > 10_000


def test_nothing_is_warned_of_in_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = Trainer.losses

    def noisy(self: Trainer, update: Update, batch: Any) -> Any:
        warnings.warn("a variant says something", stacklevel=2)
        return losses(self, update, batch)

    monkeypatch.setattr(Trainer, "losses", noisy)
    assert "failed" not in chosen({}).said  # pytest turns warnings into errors
