"""Exact resume: interrupted, killed, cut at odd places; and what is refused because it could not be exact."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.errors import DataError, Interrupted, UsageError
from ganzoo.registry.registry import registry
from ganzoo.runs.run import Run
from ganzoo.runtime.tensor_files import read_header
from ganzoo.training.loop import new_state
from ganzoo.training.setup import prepare

from .helpers import FIXTURES, TINY, StopAt, assert_same, history, state_of, train


@pytest.mark.parametrize("variant", FIXTURES)
def test_interrupted_and_resumed_equals_never_interrupted(variant: str, tmp_path: Path) -> None:
    """Interrupted twice, by a signal."""
    whole = train(tmp_path / "whole", 20, variant)
    out = tmp_path / "cut"
    for at in (8, 12):
        listener = StopAt(at)
        registry().attach(listener, "stop")
        try:
            with pytest.raises(Interrupted, match="--resume"):
                ganzoo.train(variant, out=out, resume=at == 12, **({} if at == 12 else {"steps": 20, **TINY}))
        finally:
            registry().detach(listener)
        details = json.loads((out / "run.json").read_text())
        assert (details["status"], details["step"]) == ("interrupted", at)
    resumed = ganzoo.train(variant, out=out, resume=True)
    assert resumed.status == "finished"
    assert_same(state_of(whole), state_of(resumed))
    assert history(whole) == history(resumed)
    assert [line["step"] for line in history(resumed)] == [4, 8, 12, 16, 20]
    for key, value in whole.network().state_dict().items():
        assert torch.equal(value, resumed.network().state_dict()[key])


def test_a_killed_process_resumes_from_its_last_checkpoint(tmp_path: Path) -> None:
    """kill -9 leaves no time to save: steps since the checkpoint are repeated, and their old lines go."""
    whole = train(tmp_path / "whole", 12, checkpoint_every=5, log_every=1)
    out = tmp_path / "killed"
    script = (
        "import os, ganzoo\n"
        "from ganzoo import hookimpl\n"
        "from ganzoo.registry.registry import registry\n"
        "class Kill:\n"
        "    @hookimpl\n"
        "    def ganzoo_step_logged(self, run, record):\n"
        "        if record['step'] == 8: os.kill(os.getpid(), 9)\n"
        "registry().attach(Kill(), 'kill')\n"
        f"ganzoo.train('cgan', out={str(out)!r}, steps=12, **{ {**TINY, 'checkpoint_every': 5, 'log_every': 1}!r})\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", f"import torch; torch.set_num_threads({torch.get_num_threads()})\n{script}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert died.returncode == -9, died.stderr
    assert [line["step"] for line in history(out)] == [*range(1, 9)]
    assert json.loads((out / "run.json").read_text())["status"] == "running"
    resumed = ganzoo.train(out=out, resume=True)
    assert_same(state_of(whole), state_of(resumed))
    assert history(whole) == history(resumed)


def test_cut_in_the_middle_of_a_logging_window_the_means_are_still_those_of_the_whole(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 8, log_every=8)
    job = prepare("cgan", out=tmp_path / "mid", settings={**TINY, "steps": 8, "log_every": 8, "checkpoint_every": 5})
    job.train()
    mid = sorted((tmp_path / "mid" / "checkpoints").iterdir())
    (tmp_path / "mid" / "checkpoints" / "step-00000008.safetensors").unlink()
    assert mid[0].name == "step-00000005.safetensors"
    assert read_header(mid[0])["window"]["discriminator_loss"] == 5
    resumed = ganzoo.train(out=tmp_path / "mid", resume=True)
    assert history(whole) == history(resumed)


def test_python_and_numpy_generators_are_resumed_too(tmp_path: Path) -> None:
    job = prepare("vanilla", out=tmp_path / "x", settings={**TINY, "steps": 1})
    state = new_state(job.variant, job.device)
    run = Run.create(tmp_path / "x", job.variant, {})
    run.plan = []
    random.gauss(0, 1)
    np.random.standard_normal()
    torch.randn(3)
    run.save_checkpoint(state)
    expected = (random.random(), random.gauss(0, 1), np.random.standard_normal(3).tolist(), torch.randn(5).tolist())
    from ganzoo.runs.checkpoint import load_state

    load_state(run.latest(), new_state(job.variant, job.device), "vanilla")
    found = (random.random(), random.gauss(0, 1), np.random.standard_normal(3).tolist(), torch.randn(5).tolist())
    assert found == expected


def test_more_steps_continue_a_finished_run(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 8)
    train(tmp_path / "short", 4)
    longer = ganzoo.train(out=tmp_path / "short", resume=True, steps=8)
    assert_same(state_of(whole), state_of(longer))
    assert "steps = 8" in (longer.path / "config.toml").read_text()


def test_resuming_what_is_finished_changes_nothing(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 4)
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    assert ganzoo.train(out=run.path, resume=True).status == "finished"
    assert before == {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}


def test_the_config_of_a_run_repeats_it(tmp_path: Path) -> None:
    first = train(tmp_path / "first", 6, lr=1e-3, loss="hinge")
    again = ganzoo.train(config=first.path / "config.toml", out=tmp_path / "again")
    assert_same(state_of(first), state_of(again))


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"lr": 0.5}, "lr = 0.5 contradicts"), ({"seed": 3}, "seed = 3"), ({"batch_size": 4}, "batch_size = 4")],
)
def test_resuming_with_other_settings_is_refused(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    run = train(tmp_path / "x", 2)
    with pytest.raises(UsageError, match=message):
        ganzoo.train(out=run.path, resume=True, steps=4, **changed)


def test_settings_changed_by_hand_are_refused_on_resume(tmp_path: Path) -> None:
    """What a run was trained with stands in its checkpoint; config.toml can say anything."""
    run = train(tmp_path / "x", 2)
    config = run.path / "config.toml"
    config.write_text(config.read_text().replace("lr = 0.0005", "lr = 0.5"))
    with pytest.raises(UsageError, match=r"lr = 0.5 contradicts the run to resume, which has 0.0005"):
        ganzoo.train(out=run.path, resume=True, steps=4)


def test_fewer_steps_than_done_are_refused(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 3)
    with pytest.raises(UsageError, match="has done 3 already"):
        ganzoo.train(out=run.path, resume=True, steps=2)


def test_a_kill_in_the_last_moments_is_mended_by_resuming(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 3)
    (run.path / "generator.safetensors").unlink()
    details = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**details, "status": "running"}))
    assert ganzoo.train(out=run.path, resume=True).status == "finished"
    assert json.loads((run.path / "run.json").read_text())["status"] == "finished"
    assert ganzoo.load(run.path).sample(2).isfinite().all()


def test_a_folder_that_has_moved_can_be_resumed(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "a").mkdir()
    for i in range(4):
        Image.new("RGB", (32, 32), (30 * i, 0, 0)).save(tmp_path / "a" / f"{i}.png")
    run = train(tmp_path / "x", 2, "dcgan", dataset=f"folder:{tmp_path / 'a'}", resolution=32)
    (tmp_path / "a").rename(tmp_path / "b")
    resumed = ganzoo.train(out=run.path, dataset=f"folder:{tmp_path / 'b'}", resume=True, steps=3)
    assert resumed.status == "finished"


def test_another_number_of_threads_is_told_on_resume(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with pytest.warns(UserWarning, match=f"threads {threads} -> {threads + 1}"):
            ganzoo.train(out=run.path, resume=True, steps=3)
    finally:
        torch.set_num_threads(threads)


def test_resuming_with_another_variant_or_dataset_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 2)
    with pytest.raises(UsageError, match="'cgan', not 'dcgan'"):
        ganzoo.train("dcgan", out=run.path, resume=True)
    with pytest.raises(UsageError, match="dataset"):
        ganzoo.train("cgan", "mnist", out=run.path, resume=True)


def test_changed_data_is_noticed_on_resume(tmp_path: Path) -> None:
    from PIL import Image

    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(8):
        Image.new("RGB", (32, 32), (30 * i, 0, 0)).save(photos / f"{i}.png")
    run = train(tmp_path / "x", 2, "dcgan", dataset=f"folder:{photos}", resolution=32)
    Image.new("RGB", (32, 32), (0, 99, 0)).save(photos / "7.png")
    with pytest.raises(DataError, match="has changed"):
        ganzoo.train(out=run.path, resume=True, steps=4)
