"""The training loop and the run directory: updates, averages, history, hooks, samples."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo import hookimpl
from ganzoo.data.base import Dataset, to_unit
from ganzoo.errors import UsageError
from ganzoo.models.state import Stage, Update
from ganzoo.models.variant import Variant
from ganzoo.registry.registry import registry
from ganzoo.runs.run import Run
from ganzoo.runs.trained import open_run
from ganzoo.runtime.tensor_files import read_header
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.setup import prepare

from .helpers import TINY, history, state_of, train


def test_seeds_differ(tmp_path: Path) -> None:
    a, b = train(tmp_path / "a", 1, seed=0), train(tmp_path / "b", 1, seed=1)
    assert not torch.equal(a.sample(2), b.sample(2))


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
    TrainingLoop(job.variant, state, job.dataset, run, follow, job.device).fit()
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
    dataset = Dataset(job.dataset.info, {"images": torch.arange(24).float()[:, None]})
    state = new_state(job.variant, job.device)
    loop = TrainingLoop(job.variant, state, dataset, Run.create(tmp_path / "x", job.variant, {}), print, job.device)
    seen = []
    for _ in range(6):
        seen += loop.trainer.next_batch()["images"].flatten().tolist()
        state.images += 8
    assert sorted(seen[:24]) == sorted(seen[24:]) == [*range(24)]
    assert seen[:24] != seen[24:]


def test_stages_and_every_are_honoured(tmp_path: Path) -> None:
    """Two stages; in the first the generator moves at every third iteration only, in the second the critic rests."""
    taken: list[tuple[str, str, int]] = []
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, "steps": 9})
    variant = job.variant

    class Staged(type(variant)):  # type: ignore[misc]  # a class made at run time
        def stages(self) -> list[Stage]:
            def noted(stage: str, player: str) -> Update:
                after = lambda state, losses: taken.append((stage, player, state.step))  # noqa: E731  # a name adds nothing
                loss = self.discriminator_loss if player == "discriminator" else self.generator_loss
                return Update(
                    player, player, loss, every=3 if (stage, player) == ("a", "generator") else 1, after=after
                )

            both = (noted("a", "discriminator"), noted("a", "generator"))
            return [Stage("a", 7, both), Stage("b", 2, (noted("b", "generator"),))]

    staged: Variant = Staged(job.config, job.dataset.info, variant.loss)
    state = new_state(staged, job.device)
    run = Run.create(tmp_path / "x", staged, {})
    records: list[dict[str, Any]] = []

    def keep(hook: str, **arguments: Any) -> None:
        records.extend([arguments["record"]] if hook == "ganzoo_step_logged" else [])

    loop = TrainingLoop(staged, state, job.dataset, run, keep, job.device)
    loop.fit()
    assert [(s, n) for s, p, n in taken if p == "generator"] == [("a", 2), ("a", 5), ("b", 7), ("b", 8)]
    assert [n for s, p, n in taken if p == "discriminator"] == [*range(7)]
    assert [(r["stage"], r["images"]) for r in records] == [("a", 32), ("b", 64), ("b", 72)]


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
        "started 0", "saved step-00000002", "logged 2",
        # The last state is saved before it is looked at, and once more when that is done.
        "saved step-00000004", "logged 4", "samples step-00000004", "saved step-00000004", "finished",
    ]  # fmt: skip


def test_weights_load_anywhere_and_equal_the_run(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 3)
    alone = tmp_path / "elsewhere.safetensors"
    alone.write_bytes((run.path / "generator.safetensors").read_bytes())
    generator = ganzoo.load(alone)
    assert not generator.training
    assert torch.equal(generator.sample(6, 3, seed=1), open_run(run.path).sample(6, 3, seed=1))
    assert torch.equal(generator.sample(6, [3] * 6, seed=1), generator.sample(6, 3, seed=1, batch_size=2))
    for wrong, message in ((10, "class 10 is out of range"), (-1, "class -1"), ([1, 2], "2 labels for 6")):
        with pytest.raises(UsageError, match=message):
            generator.sample(6, wrong)


def test_run_directories_are_readable_by_others(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 1)
    modes = {(p.stat().st_mode & 0o777) for p in run.path.rglob("*") if p.is_file()}
    assert len(modes) == 1, "all files carry the permissions that the umask gives"


def test_gradients_reach_only_the_player_that_steps(tmp_path: Path) -> None:
    job = prepare("dcgan", out=tmp_path / "x", settings={**TINY, "steps": 1})
    state = new_state(job.variant, job.device)
    loop = TrainingLoop(job.variant, state, job.dataset, Run.create(tmp_path / "x", job.variant, {}), print, job.device)
    update = next(u for u in job.variant.stages()[0].updates if u.player == "generator")
    loop.trainer.apply_update(update, loop.trainer.next_batch())
    assert all(p.grad is None for p in state.networks["discriminator"].parameters())
    assert all(p.grad is not None for p in state.networks["generator"].parameters())


def test_images_are_scaled_to_plus_minus_one(tmp_path: Path) -> None:
    assert to_unit(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1.0, 1.0]
