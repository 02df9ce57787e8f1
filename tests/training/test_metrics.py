"""Metrics while training: what is written, that nothing else changes, best and final, resume, and what is refused."""

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.loader import BatchLoader
from ganzoo.errors import ConfigError, DataError, Interrupted, UnknownNameError, UsageError
from ganzoo.metrics.base import Result
from ganzoo.registry.registry import registry
from ganzoo.runs.checkpoint import load_state
from ganzoo.runs.history import history as timed
from ganzoo.runtime.tensor_files import read_header, read_tensors
from ganzoo.training import loop
from ganzoo.training.evaluation import PeriodicEvaluation
from ganzoo.training.loop import new_state

from .helpers import StopAt, assert_same, history, state_of, train

METRIC = "duplicates-2k"
MORE: dict[str, Any] = {"metrics": METRIC, "metric_every": 80, "checkpoint_every": 10, "diagnostics": False}


def details(run: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.path / "run.json").read_text())
    return found


def test_metrics_are_logged_and_change_nothing_that_is_computed(tmp_path: Path) -> None:
    run = train(tmp_path / "with", 25, "vanilla", **MORE)
    plain = train(tmp_path / "without", 25, "vanilla", **{**MORE, "metrics": ""})
    kept = {name: tensor for name, tensor in state_of(run).items() if not name.startswith("best/")}
    assert_same(kept, state_of(plain))
    taken = [line["step"] for line in history(run) if METRIC in line]
    assert taken == [10, 20, 25], "every 80 images and at the end"
    assert all(0 <= line[METRIC] <= 1 for line in history(run) if METRIC in line)
    assert f"{METRIC} of real ones" in history(run)[-1]


def test_the_best_weights_are_kept_and_reported_beside_the_final_ones(tmp_path: Path) -> None:
    run = train(tmp_path / "run", 40, "dcgan", **MORE)  # convolutional: its last bits depend on the layout of tensors
    values = {line["step"]: line[METRIC] for line in history(run) if METRIC in line}
    best = min(values, key=lambda step: (values[step], step))
    header = read_header(run.path / "generator-best.safetensors")
    assert header["step"] == best
    assert header["best"] == {"metric": METRIC, "value": values[best], "latents": 1}
    found = details(run)["metrics"]
    assert found["chosen by"] == METRIC
    for name, step in (("final", 40), ("best", best)):
        (result,) = found[name]
        assert result["target"]["step"] == step
        assert result["target"]["weights"] == "EMA"
        assert result["samples"]["latents"] == 0, "reported with other latents than it was chosen with"
    # ganzoo evaluate says the same of the same weights, to the last bit.
    assert ganzoo.evaluate(run.path, [METRIC])[0].value == found["final"][0]["value"]
    (again,) = ganzoo.evaluate(run.path / "generator-best.safetensors", [METRIC])
    assert again.value == found["best"][0]["value"]
    assert again.about["target"]["checkpoint"] == f"best by {METRIC}"


def test_an_interrupted_run_finds_the_same_best(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 40, "vanilla", **MORE)
    listener = StopAt(24)
    registry().attach(listener, "stop")
    try:
        with pytest.raises(Interrupted):
            train(tmp_path / "parts", 40, "vanilla", **MORE)
    finally:
        registry().detach(listener)
    parts = ganzoo.train("vanilla", out=tmp_path / "parts", resume=True)
    assert history(parts) == history(whole)
    for file in ("generator.safetensors", "generator-best.safetensors"):
        assert_same(read_tensors(parts.path / file)[0], read_tensors(whole.path / file)[0])
    assert [r["value"] for r in details(parts)["metrics"]["best"]] == [
        r["value"] for r in details(whole)["metrics"]["best"]
    ]


def examiner_of(run: Any) -> tuple[PeriodicEvaluation, Any]:
    """The evaluation of a run and the state of its last checkpoint."""
    job = ganzoo.prepare("vanilla", out=run.path, resume=True, settings={"steps": run.config.steps + 10})
    assert job.evaluation is not None
    state = new_state(job.variant, torch.device("cpu"))
    load_state(run.latest(), state, "vanilla")
    return job.evaluation, state


def test_best_weights_are_part_of_the_checkpoint(tmp_path: Path) -> None:
    """So that a run that goes on from any of them knows the best of its past, and nothing of an undone future."""
    whole = train(tmp_path / "run", 40, "vanilla", **{**MORE, "keep": 10})
    values = {line["step"]: line[METRIC] for line in history(whole) if METRIC in line}
    for path in whole.checkpoints():
        state = new_state(whole.variant, torch.device("cpu"))
        load_state(path, state, "vanilla")
        past = {step: value for step, value in values.items() if step <= state.step}
        assert state.best is not None
        assert state.best.step == min(past, key=lambda step: (past[step], step))
        assert state.best.weights.keys() == {"generator"}
    # Cut back to step 20, it ends as it would have ended.
    for path in whole.checkpoints()[2:]:
        path.unlink()
    again = ganzoo.train("vanilla", out=whole.path, resume=True)
    assert_same(
        read_tensors(again.path / "generator-best.safetensors")[0],
        read_tensors(whole.path / "generator-best.safetensors")[0],
    )
    assert {line["step"]: line[METRIC] for line in history(again) if METRIC in line} == values


def test_what_is_not_finite_is_never_the_best(tmp_path: Path) -> None:
    evaluation, state = examiner_of(train(tmp_path / "run", 10, "vanilla", **MORE))
    state.best = None
    for value in (float("nan"), 0.5, float("inf"), 0.7, float("nan"), 0.3, -float("inf")):
        evaluation._keep_best(state, Result(METRIC, {"share": value}, {}), lower=True)
    assert state.best is not None
    assert state.best.value == 0.3


def test_a_finished_run_is_measured_when_it_is_asked_for(tmp_path: Path) -> None:
    run = train(tmp_path / "run", 10, "vanilla", **{**MORE, "metrics": ""})
    assert "metrics" not in details(run)
    again = ganzoo.train("vanilla", out=run.path, resume=True, metrics=METRIC)
    assert details(again)["status"] == "finished"
    assert details(again)["metrics"]["final"][0]["metric"] == METRIC
    assert METRIC in (run.path / "config.toml").read_text()
    # Made longer, it does not go on saying what it was when it was shorter.
    longer = ganzoo.train("vanilla", out=run.path, resume=True, steps=20)
    assert details(longer)["metrics"]["step"] == 20


@pytest.mark.filterwarnings("ignore:.*images are grey")
def test_what_a_metric_lacks_is_found_before_the_training(tmp_path: Path) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    for i in range(20):
        Image.new("L", (16, 16), 10 * i).save(folder / f"{i}.png")
    for metric, message in (("copies-1k", "has no split 'test'"), (METRIC, "20 train samples, and the protocol takes")):
        with pytest.raises(DataError, match=message):
            train(tmp_path / "run", 4, "vanilla", dataset=f"folder:{folder}", resolution=16, metrics=metric)
    assert not (tmp_path / "run").exists()


def test_what_is_measured_on_the_labels_of_a_test_split_chooses_no_weights(tmp_path: Path) -> None:
    run = train(
        tmp_path / "run", 20, "sgan", labels=20, metrics="test-accuracy", metric_every=80,
        checkpoint_every=10, baseline_steps=0,
    )  # fmt: skip
    assert [line["step"] for line in history(run) if "test-accuracy" in line] == [10, 20]
    assert not (run.path / "classifier-best.safetensors").exists()
    found = details(run)["metrics"]
    assert found["chosen by"] == ""
    assert found["final"] == found["best"]


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ("psnr", UsageError, "does not turn images into images"),
        ("duplicats-2k", UnknownNameError, "did you mean 'duplicates-2k'"),
        (f"{METRIC},fd-mnist-10k", UsageError, "learned from 'mnist'"),
    ],
)
def test_metrics_that_make_no_sense_are_refused_before_anything_is_written(
    tmp_path: Path, metrics: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(tmp_path / "run", 4, "vanilla", metrics=metrics)
    assert not (tmp_path / "run").exists()


def test_other_metrics_may_be_asked_for_when_a_run_goes_on(tmp_path: Path) -> None:
    train(tmp_path / "run", 10, "vanilla", **{**MORE, "metrics": ""})
    run = ganzoo.train("vanilla", out=tmp_path / "run", resume=True, steps=20, metrics=METRIC)
    assert METRIC in history(run)[-1]


def test_an_image_generator_on_toys_counts_modes(tmp_path: Path) -> None:
    run = train(tmp_path / "run", 6, "vanilla", dataset="ring", metrics="modes-2500")
    assert history(run)[-1]["modes-2500 of"] == 8
    assert torch.isfinite(torch.tensor(history(run)[-1]["modes-2500"]))


def test_metrics_are_taken_after_minutes_of_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()
    # Three milliseconds pass between two looks at the clock, however slow the machine is.
    monkeypatch.setattr(loop, "clock_of", lambda kind, device: lambda: 0.003 * next(looks))
    more = {**MORE, "metric_every": 10**6, "metric_minutes": "0.001,0.0001,1000", "diagnostics": False}
    run = train(tmp_path / "with", 60, "vanilla", **more)
    lines = timed(run.path)
    taken = [(i, line) for i, line in enumerate(lines) if METRIC in line]
    assert len(taken) == 3, "each mark that was reached, and the end"
    after = [sum(line["seconds"] for line in lines[: i + 1]) for i, _ in taken]
    assert 0.006 <= after[0] < 0.06 <= after[1]
    assert taken[-1][1]["step"] == 60
    plain = train(tmp_path / "without", 60, "vanilla", **{**MORE, "metrics": ""})
    kept = {name: tensor for name, tensor in state_of(run).items() if not name.startswith("best/")}
    assert_same(kept, state_of(plain))


def test_a_resumed_run_takes_no_mark_twice(tmp_path: Path) -> None:
    more = {**MORE, "metric_every": 10**6, "metric_minutes": "0.0001"}
    listener = StopAt(20)
    registry().attach(listener, "stop")
    try:
        with pytest.raises(Interrupted):
            train(tmp_path / "run", 40, "vanilla", **more)
    finally:
        registry().detach(listener)
    run = ganzoo.train(out=tmp_path / "run", resume=True)
    steps = [line["step"] for line in history(run) if METRIC in line]
    assert len(steps) == 2, steps
    assert steps[0] <= 20
    assert steps[1] == 40


@pytest.mark.parametrize("clock", ["wall", "processor"])
def test_the_clock_of_the_processor_leaves_waiting_out(
    tmp_path: Path, clock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause, steps, draw = 0.2, 4, BatchLoader.draw

    def slowly(*args: Any) -> Any:
        time.sleep(pause)  # as beside another program
        return draw(*args)

    monkeypatch.setattr(BatchLoader, "draw", slowly)
    run = train(tmp_path / "run", steps, "vanilla", **{**MORE, "metrics": ""}, clock=clock)
    seconds = sum(line["seconds"] for line in timed(run.path))
    assert (seconds >= pause * steps) == (clock == "wall")


@pytest.mark.parametrize("text", ["soon", "1,-2", "0", "nan", "1,inf"])
def test_marks_that_are_no_minutes_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=f"metric_minutes = '{text}'"):
        train(tmp_path / "run", 5, "vanilla", metric_minutes=text)
