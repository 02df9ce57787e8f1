"""Metrics while training: what is written, that nothing else changes, best and final, resume, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.checkpoint import read_header, read_tensors
from ganzoo.errors import Interrupted, UnknownNameError, UsageError
from ganzoo.registry import registry

from .helpers import StopAt, assert_same, history, state_of, train

METRIC = "duplicates-2k"
MORE: dict[str, Any] = {"metrics": METRIC, "metric_every": 80, "checkpoint_every": 10, "diagnostics": False}


def details(run: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.path / "run.json").read_text())
    return found


def test_metrics_are_logged_and_change_nothing_that_is_computed(tmp_path: Path) -> None:
    run = train(tmp_path / "with", 25, "vanilla", **MORE)
    plain = train(tmp_path / "without", 25, "vanilla", **{**MORE, "metrics": ""})
    assert_same(state_of(run), state_of(plain))
    taken = [line["step"] for line in history(run) if METRIC in line]
    assert taken == [10, 20, 25], "every 80 images and at the end"
    assert all(0 <= line[METRIC] <= 1 for line in history(run) if METRIC in line)
    assert f"{METRIC} of real ones" in history(run)[-1]


def test_the_best_weights_are_kept_and_reported_beside_the_final_ones(tmp_path: Path) -> None:
    run = train(tmp_path / "run", 40, "vanilla", **MORE)
    values = {line["step"]: line[METRIC] for line in history(run) if METRIC in line}
    best = min(values, key=lambda step: (values[step], step))
    header = read_header(run.path / "generator-best.safetensors")
    assert header["step"] == best
    assert header["best"] == {"metric": METRIC, "value": values[best]}
    found = details(run)["metrics"]
    assert found["chosen by"] == METRIC
    for name, step in (("final", 40), ("best", best)):
        (result,) = found[name]
        assert result["subject"]["step"] == step
        assert result["subject"]["weights"] == "EMA"
        assert result["samples"]["latents"] == 0, "reported with other latents than it was chosen with"
    # ganzoo evaluate says the same of the same weights, to the last bit.
    assert run.evaluate([METRIC])[0].value == found["final"][0]["value"]
    (again,) = ganzoo.evaluate(run.path / "generator-best.safetensors", [METRIC])
    assert again.value == found["best"][0]["value"]
    assert again.about["subject"]["checkpoint"] == f"best by {METRIC}"


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


def test_best_weights_of_a_future_that_was_undone_do_not_count(tmp_path: Path) -> None:
    """A run killed after its best step goes on from an older checkpoint, and finds that step again."""
    whole = train(tmp_path / "run", 40, "vanilla", **MORE)
    expected = read_header(whole.path / "generator-best.safetensors")
    for path in whole.checkpoints():
        path.unlink()
    short = train(tmp_path / "short", 10, "vanilla", **MORE)
    (short.path / "checkpoints" / "step-00000010.safetensors").rename(
        whole.path / "checkpoints" / "step-00000010.safetensors"
    )
    again = ganzoo.train("vanilla", out=whole.path, resume=True, steps=40)
    found = read_header(again.path / "generator-best.safetensors")
    assert (found["step"], found["best"]) == (expected["step"], expected["best"])


def test_a_classifier_is_measured_and_kept_too(tmp_path: Path) -> None:
    run = train(
        tmp_path / "run", 20, "sgan", labels=20, metrics="test-accuracy", metric_every=80,
        checkpoint_every=10, baseline_steps=0,
    )  # fmt: skip
    line = history(run)[-1]
    assert 100 * (1 - line["test-accuracy"]) == pytest.approx(line["test_error"])
    assert (run.path / "classifier-best.safetensors").exists()


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
