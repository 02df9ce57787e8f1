"""When things go wrong: full disks, values that are not finite, damaged files, strange callers."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo import hookimpl
from ganzoo.errors import CheckpointError, RunError, TrainingError, UsageError
from ganzoo.registry.registry import registry
from ganzoo.runs.history import ganzoo_step_logged
from ganzoo.runs.run import Run
from ganzoo.runtime.tensor_files import write_tensors

from .helpers import TINY, assert_same, state_of, train


def test_training_gives_the_callers_generators_back(tmp_path: Path) -> None:
    torch.manual_seed(5)
    random.seed(5)
    expected = (torch.get_rng_state(), random.getstate())
    train(tmp_path / "x", 1)
    assert torch.equal(torch.get_rng_state(), expected[0])
    assert random.getstate() == expected[1]


def test_two_processes_cannot_train_in_one_run(tmp_path: Path) -> None:
    from ganzoo.runtime.locks import locked

    run = train(tmp_path / "x", 2)
    with locked(run.path), pytest.raises(RunError, match="another process"):
        ganzoo.train(out=run.path, resume=True, steps=4)
    assert ganzoo.train(out=run.path, resume=True, steps=4).status == "finished"


def test_a_failed_rewrite_spares_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(tmp_path / "x", 4, log_every=1)
    before = (run.path / "scalars.jsonl").read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="No space left"):
        ganzoo.train(out=run.path, resume=True, steps=6)
    assert (run.path / "scalars.jsonl").read_bytes() == before
    assert not list(run.path.rglob("*.tmp"))


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
def test_the_callers_torch_settings_do_not_matter(guard: Any, tmp_path: Path) -> None:
    expected = state_of(train(tmp_path / "plain", 2))
    torch.set_default_dtype(torch.float64)
    try:
        with guard():
            found = state_of(train(tmp_path / "guarded", 2))
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert_same(expected, found)


def test_loading_leaves_the_callers_generator_alone(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 1)
    before = torch.get_rng_state()
    ganzoo.load(run.path).sample(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_one_training_at_a_time(tmp_path: Path) -> None:
    class Nested:
        @hookimpl
        def ganzoo_run_started(self, run: Run) -> None:
            train(tmp_path / "inner", 1)

    listener = Nested()
    registry().attach(listener, "nested")
    try:
        with pytest.raises(UsageError, match="is training"):
            train(tmp_path / "outer", 1)
    finally:
        registry().detach(listener)
    assert not (tmp_path / "inner").exists()


def test_a_checkpoint_of_another_variant_a_broken_one_and_none_are_refused(tmp_path: Path) -> None:
    run, other = train(tmp_path / "x", 2), train(tmp_path / "y", 2, "dcgan")
    good = run.latest().read_bytes()
    run.latest().write_bytes(other.latest().read_bytes())
    with pytest.raises(CheckpointError, match="belongs to variant 'dcgan', not 'cgan'"):
        ganzoo.train(out=run.path, resume=True, steps=4)
    for content, message in (
        (b"no checkpoint at all", "not a checkpoint"),
        (good[: len(good) // 2], "not a checkpoint"),
    ):
        run.latest().write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            ganzoo.train(out=run.path, resume=True, steps=4)
    write_tensors(run.latest(), {"a": torch.zeros(1)}, {"format": 99})
    with pytest.raises(CheckpointError, match="not a checkpoint of this version"):
        ganzoo.train(out=run.path, resume=True, steps=4)
    run.latest().unlink()
    with pytest.raises(CheckpointError, match="nothing to resume from"):
        ganzoo.train(out=run.path, resume=True, steps=4)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    """A checkpoint from elsewhere must not be able to run code."""
    run, mark = train(tmp_path / "x", 2), tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(mark),)

    torch.save(Evil(), run.latest())
    torch.save(Evil(), run.path / "generator.safetensors")
    with pytest.raises(CheckpointError):
        ganzoo.train(out=run.path, resume=True, steps=4)
    with pytest.raises(CheckpointError):
        ganzoo.load(run.path)
    assert not mark.exists()


def test_a_value_that_is_not_finite_stops_the_run_and_spares_the_checkpoint(tmp_path: Path) -> None:
    run_path = tmp_path / "x"
    ganzoo.train("vanilla", "ring", out=run_path, steps=4, **TINY)
    good = (run_path / "checkpoints" / "step-00000004.safetensors").read_bytes()
    with pytest.raises(TrainingError, match="not finite"):
        ganzoo.train("vanilla", "ring", out=tmp_path / "y", steps=400, **{**TINY, "lr": 1e30})
    details = json.loads((tmp_path / "y" / "run.json").read_text())
    assert details["status"] == "failed"
    assert "not finite" in details["reason"]
    assert not list((tmp_path / "y" / "checkpoints").iterdir())
    assert "no checkpoint was saved before" in details["reason"]
    assert (run_path / "checkpoints" / "step-00000004.safetensors").read_bytes() == good


def test_the_history_stays_json_when_a_value_is_not_finite(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 1)
    ganzoo_step_logged(run, {"step": 2, "a": float("nan"), "b": float("-inf"), "c": 0.5})

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    last = (run.path / "scalars.jsonl").read_text().splitlines()[-1]
    assert json.loads(last, parse_constant=refuse) == {"step": 2, "a": "nan", "b": "-inf", "c": 0.5}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(RunError, match="not writable"):
        train(locked / "x", 1)


def test_a_full_disk_fails_with_a_word_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: writing fails, as it would, with an OSError."""
    script = (
        "import resource, sys, ganzoo\n"
        "from ganzoo import hookimpl\n"
        "from ganzoo.registry.registry import registry\n"
        "class Fill:\n"
        "    @hookimpl\n"
        "    def ganzoo_checkpoint_saved(self, run, path):\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "registry().attach(Fill(), 'fill')\n"
        "from ganzoo.cli import main\n"
        f"main(['train', 'cgan', '--out', {str(tmp_path / 'x')!r}, '--steps', '8', '--batch-size', '8', '--quiet',\n"
        "      '--device', 'cpu', '-o', 'width=8', '-o', 'checkpoint_every=2'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr
    kept = [p.name for p in (tmp_path / "x" / "checkpoints").iterdir()]
    assert kept == ["step-00000002.safetensors"]
    details = json.loads((tmp_path / "x" / "run.json").read_text())
    assert details["status"] == "failed"
    assert ganzoo.train(out=tmp_path / "x", resume=True).status == "finished"


def test_a_loss_that_needs_a_bounded_critic_warns(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="needs a critic of bounded slope"):
        train(tmp_path / "x", 1, loss="wasserstein")
