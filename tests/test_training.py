"""The training loop and the run directory: exact resume, history, averages, failures that keep what is good."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo import hookimpl
from ganzoo.api import open_run, prepare
from ganzoo.checkpoint import read_header, read_tensors, write_tensors
from ganzoo.data.base import to_unit
from ganzoo.errors import CheckpointError, DataError, Interrupted, RunError, TrainingError, UsageError
from ganzoo.registry import registry
from ganzoo.run import Run
from ganzoo.trainer import Trainer, new_state
from ganzoo.variant import Stage, Update, Variant

TINY: dict[str, Any] = {"width": 8, "batch_size": 8, "device": "cpu", "log_every": 4, "sample_every": 50}


def train(out: Path, steps: int, variant: str = "cgan", **more: Any) -> Run:
    return ganzoo.train(variant, out=out, steps=steps, **{**TINY, **more})


def state_of(run: Run) -> dict[str, torch.Tensor]:
    return read_tensors(run.latest())[0]


def history(run: Run | Path) -> list[dict[str, Any]]:
    path = run if isinstance(run, Path) else run.path
    lines = [json.loads(line) for line in (path / "scalars.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert not different


class StopAt:
    """A listener that interrupts the process at a step, as Ctrl-C would."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_logged(self, run: Run, record: dict[str, Any]) -> None:
        if record["step"] == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("variant", registry().variants.names())
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
    assert torch.equal(whole.sample(4), resumed.sample(4))


def test_a_killed_process_resumes_from_its_last_checkpoint(tmp_path: Path) -> None:
    """kill -9 leaves no time to save: steps since the checkpoint are repeated, and their old lines go."""
    whole = train(tmp_path / "whole", 12, checkpoint_every=5, log_every=1)
    out = tmp_path / "killed"
    script = (
        "import os, ganzoo\n"
        "from ganzoo import hookimpl\n"
        "from ganzoo.registry import registry\n"
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
    random.gauss(0, 1)
    np.random.standard_normal()
    torch.randn(3)
    run.save_checkpoint(state)
    expected = (random.random(), random.gauss(0, 1), np.random.standard_normal(3).tolist(), torch.randn(5).tolist())
    from ganzoo.checkpoint import load_state

    load_state(run.latest(), new_state(job.variant, job.device), "vanilla")
    found = (random.random(), random.gauss(0, 1), np.random.standard_normal(3).tolist(), torch.randn(5).tolist())
    assert found == expected


def test_training_gives_the_callers_generators_back(tmp_path: Path) -> None:
    torch.manual_seed(5)
    random.seed(5)
    expected = (torch.get_rng_state(), random.getstate())
    train(tmp_path / "x", 1)
    assert torch.equal(torch.get_rng_state(), expected[0])
    assert random.getstate() == expected[1]


def test_seeds_differ(tmp_path: Path) -> None:
    a, b = train(tmp_path / "a", 1, seed=0), train(tmp_path / "b", 1, seed=1)
    assert not torch.equal(a.sample(2), b.sample(2))


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


def test_resuming_with_another_variant_or_dataset_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 2)
    with pytest.raises(UsageError, match="'cgan', not 'dcgan'"):
        ganzoo.train("dcgan", out=run.path, resume=True)
    with pytest.raises(UsageError, match="dataset"):
        ganzoo.train("cgan", "mnist", out=run.path, resume=True)


def test_a_checkpoint_of_another_variant_a_broken_one_and_none_are_refused(tmp_path: Path) -> None:
    run, other = train(tmp_path / "x", 2), train(tmp_path / "y", 2, "dcgan")
    good = run.latest().read_bytes()
    run.latest().write_bytes(other.latest().read_bytes())
    with pytest.raises(CheckpointError, match="belongs to variant 'dcgan', not 'cgan'"):
        ganzoo.train(out=run.path, resume=True, steps=4)
    for content, message in ((b"no checkpoint at all", "no checkpoint"), (good[: len(good) // 2], "no checkpoint")):
        run.latest().write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            ganzoo.train(out=run.path, resume=True, steps=4)
    write_tensors(run.latest(), {"a": torch.zeros(1)}, {"format": 99})
    with pytest.raises(CheckpointError, match="no checkpoint of this version"):
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


def test_only_the_newest_checkpoints_are_kept_and_no_temporary_file(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 10, checkpoint_every=2, keep=3)
    names = sorted(p.name for p in (run.path / "checkpoints").iterdir())
    assert names == [f"step-{n:08d}.safetensors" for n in (6, 8, 10)]
    assert not list(run.path.rglob("*.tmp"))
    assert not list(tmp_path.glob(".*"))


def test_samples_over_time_are_of_the_same_latents(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 3, sample_every=1, lr=1e-12, ema_halflife=0)
    pictures = sorted((run.path / "samples").iterdir())
    assert [p.name for p in pictures] == ["step-00000001.png", "step-00000002.png", "step-00000003.png"]
    from PIL import Image

    with Image.open(pictures[0]) as picture:
        assert picture.size == (10 * 30 + 2, 10 * 30 + 2), "ten columns, one row a class"


def test_ema_is_the_documented_average(tmp_path: Path) -> None:
    """Recomputed by hand from raw weights at every step, with the ramp and the half-life in images."""
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, "steps": 30, "ema_halflife": 6})
    state = new_state(job.variant, job.device)
    run = Run.create(tmp_path / "x", job.variant, {})
    expected = {k: v.double() for k, v in state.ema["generator"].state_dict().items() if v.is_floating_point()}

    def follow(hook: str, run: Run, **_: Any) -> None:
        if hook == "ganzoo_step_logged":
            weight = 1 - 0.5 ** (8 / min(6, 0.05 * state.images))
            raw = state.networks["generator"].state_dict()
            for key in expected:
                expected[key] += weight * (raw[key].double() - expected[key])

    job.variant.config = dataclasses.replace(job.config, log_every=1)
    Trainer(job.variant, state, job.dataset, run, follow, job.device).fit()
    for key, value in expected.items():
        torch.testing.assert_close(state.ema["generator"].state_dict()[key].double(), value, rtol=1e-4, atol=1e-6)
    assert not torch.equal(state.ema["generator"].head.weight, state.networks["generator"].head.weight)


def test_without_an_average_the_raw_weights_are_exported(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 3, ema_halflife=0)
    header = read_header(run.path / "generator.safetensors")
    assert header["weights"] == "raw"
    tensors = state_of(run)
    assert not any(name.startswith("ema/") for name in tensors)
    weight = run.generator().state_dict()["body.0.weight"]
    assert torch.equal(weight, tensors["networks/generator/body.0.weight"])


def test_every_image_of_the_set_is_seen_once_an_epoch(tmp_path: Path) -> None:
    job = prepare("vanilla", "gaussian1d", out=tmp_path / "x", settings={**TINY, "steps": 1})
    dataset = dataclasses.replace(job.dataset, source=type(job.dataset.source)(torch.arange(24).float()[:, None]))
    state = new_state(job.variant, job.device)
    trainer = Trainer(job.variant, state, dataset, Run.create(tmp_path / "x", job.variant, {}), print, job.device)
    seen = []
    for _ in range(6):
        seen += trainer.next_batch()["images"].flatten().tolist()
        state.images += 8
    assert sorted(seen[:24]) == sorted(seen[24:]) == [*range(24)]
    assert seen[:24] != seen[24:]


def test_stages_and_every_are_honoured(tmp_path: Path) -> None:
    """Two stages; in the first the generator moves at every third iteration only, in the second the critic rests."""
    taken: list[tuple[str, str, int]] = []
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, "steps": 7})
    variant = job.variant

    class Staged(type(variant)):  # type: ignore[misc]  # a class made at run time
        def stages(self) -> list[Stage]:
            def noted(stage: str, player: str) -> Update:
                after = lambda state: taken.append((stage, player, state.step))  # noqa: E731  # a name adds nothing
                loss = self.discriminator_loss if player == "discriminator" else self.generator_loss
                return Update(player, loss, every=3 if (stage, player) == ("a", "generator") else 1, after=after)

            both = (noted("a", "discriminator"), noted("a", "generator"))
            return [Stage("a", 7, both), Stage("b", 2, (noted("b", "generator"),))]

    staged: Variant = Staged(job.config, job.dataset.info, variant.loss)
    state = new_state(staged, job.device)
    run = Run.create(tmp_path / "x", staged, {})
    records: list[dict[str, Any]] = []

    def keep(hook: str, **arguments: Any) -> None:
        records.extend([arguments["record"]] if hook == "ganzoo_step_logged" else [])

    trainer = Trainer(staged, state, job.dataset, run, keep, job.device)
    trainer.fit()
    assert [(s, n) for s, p, n in taken if p == "generator"] == [("a", 2), ("a", 5), ("b", 7), ("b", 8)]
    assert [n for s, p, n in taken if p == "discriminator"] == [*range(7)]
    assert [(r["stage"], r["images"]) for r in records] == [("a", 32), ("b", 64), ("b", 72)]


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
    assert (run_path / "checkpoints" / "step-00000004.safetensors").read_bytes() == good


def test_history_counts_images_and_means_the_losses(tmp_path: Path) -> None:
    fine = history(train(tmp_path / "fine", 8, log_every=1))
    coarse = history(train(tmp_path / "coarse", 8, log_every=4))
    assert [(r["step"], r["images"]) for r in coarse] == [(4, 32), (8, 64)]
    for key in ("discriminator_loss", "generator_loss", "D(x)", "D(G(z))"):
        mean = sum(r[key] for r in fine[:4]) / 4
        assert coarse[0][key] == pytest.approx(mean, rel=1e-9)


def test_lifecycle_hooks_fire_in_order(tmp_path: Path) -> None:
    fired: list[str] = []

    class Listener:
        @hookimpl
        def ganzoo_run_started(self, run: Run) -> None:
            fired.append(f"started {run.step}")

        @hookimpl
        def ganzoo_step_logged(self, run: Run, record: dict[str, Any]) -> None:
            fired.append(f"logged {record['step']}")

        @hookimpl
        def ganzoo_checkpoint_saved(self, run: Run, path: Path) -> None:
            assert read_header(path)["step"] == run.step
            fired.append(f"saved {path.stem}")

        @hookimpl
        def ganzoo_samples_saved(self, run: Run, path: Path) -> None:
            fired.append(f"samples {path.stem}")

        @hookimpl
        def ganzoo_run_finished(self, run: Run, status: str) -> None:
            fired.append(status)

    listener = Listener()
    registry().attach(listener, "listener")
    try:
        train(tmp_path / "x", 4, log_every=2, checkpoint_every=2)
    finally:
        registry().detach(listener)
    assert fired == [
        "started 0", "logged 2", "saved step-00000002", "logged 4", "samples step-00000004", "saved step-00000004",
        "finished",
    ]  # fmt: skip


def test_weights_load_anywhere_and_equal_the_run(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 3)
    alone = tmp_path / "elsewhere.safetensors"
    alone.write_bytes((run.path / "generator.safetensors").read_bytes())
    generator = ganzoo.load(alone)
    assert not generator.training
    assert torch.equal(generator.sample(6, labels=3, seed=1), open_run(run.path).sample(6, labels=3, seed=1))
    assert torch.equal(generator.sample(6, labels=[3] * 6, seed=1), generator.sample(6, labels=3, seed=1, batch_size=2))
    for wrong, message in ((10, "class 10 is out of range"), (-1, "class -1"), ([1, 2], "2 labels for 6")):
        with pytest.raises(UsageError, match=message):
            generator.sample(6, labels=wrong)


def test_run_directories_are_readable_by_others(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 1)
    modes = {(p.stat().st_mode & 0o777) for p in run.path.rglob("*") if p.is_file()}
    assert len(modes) == 1, "all files carry the permissions that the umask gives"


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
        "from ganzoo.registry import registry\n"
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


def test_gradients_reach_only_the_player_that_steps(tmp_path: Path) -> None:
    job = prepare("dcgan", out=tmp_path / "x", settings={**TINY, "steps": 1})
    state = new_state(job.variant, job.device)
    trainer = Trainer(job.variant, state, job.dataset, Run.create(tmp_path / "x", job.variant, {}), print, job.device)
    update = next(u for u in job.variant.stages()[0].updates if u.player == "generator")
    trainer.take(update, trainer.next_batch())
    assert all(p.grad is None for p in state.networks["discriminator"].parameters())
    assert all(p.grad is not None for p in state.networks["generator"].parameters())


def test_images_are_scaled_to_plus_minus_one(tmp_path: Path) -> None:
    assert to_unit(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1.0, 1.0]
