"""Captured iterations, with a recorder in CUDA's place that runs nothing while it records and repeats it on demand.

What only a GPU can show (that kernels are captured at all) is in benchmarks/gpu_check.py.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import ganzoo
import ganzoo.training.loop
from ganzoo.data import base
from ganzoo.data.base import MemorySource
from ganzoo.data.loader import Batch, BatchLoader
from ganzoo.data.sampler import Sampler
from ganzoo.models.adversarial import GAN
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.runtime.random_state import capture_rng, restore_rng
from ganzoo.runtime.tensor_files import read_tensors, write_tensors
from ganzoo.training.cuda_graphs import WATCHED, GraphedTrainer, WatchedState, keep_on_device
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo.training.loop import new_state
from ganzoo.training.setup import prepare
from ganzoo.tricks.schedules import set_rate

from .helpers import FIXTURES, TINY, assert_same, history, short_stages, state_of, train


class Tape:
    """A recorder on the CPU. While it records, everything is computed, and then put back as it was."""

    optimizers_on_device = False

    def __init__(self, state: State, reasons: tuple[str, ...] = (), error: str = "") -> None:
        self.state, self.reasons, self.error = state, reasons, error
        self.captured = self.replayed = 0

    def host_state(self) -> Any:
        return random.getstate()  # torch's generator on the CPU plays the device's own

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        yield list(self.reasons)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        tensors, before = self._tensors(), capture_rng()
        kept = [tensor.clone() for tensor in tensors]
        work()
        for tensor, value in zip(tensors, kept, strict=True):
            tensor.data.copy_(value)
        restore_rng(*before)
        if self.error:
            raise RuntimeError(self.error)
        self.captured += 1

        def replay() -> None:
            counts = {name: count for name, (_, count) in self.state.window.items()}
            work()
            self.replayed += 1
            # A graph runs no Python: what the work counts there must be counted by who replays.
            self.state.window.update({name: (self.state.window[name][0], count) for name, count in counts.items()})

        return replay

    def _tensors(self) -> list[Tensor]:
        found = [t for n in (*self.state.networks.values(), *self.state.ema.values()) for t in n.state_dict().values()]
        for optimizer in self.state.optimizers.values():
            found += [v for values in optimizer.state.values() for v in values.values() if isinstance(v, Tensor)]
        return found + [total for total, _ in self.state.window.values()]


@pytest.fixture
def tapes(monkeypatch: pytest.MonkeyPatch) -> list[Tape]:
    """Trainings take captured steps; the tapes that they used are collected. ``tapes.settings`` go to the next ones."""

    class Tapes(list[Tape]):
        settings: dict[str, Any] = {}  # one list, one test

    made = Tapes()

    def graphed(variant: Variant, state: State, *rest: Any) -> GraphedTrainer:
        made.append(Tape(state, **made.settings))
        return GraphedTrainer(variant, state, *rest, recorder=made[-1])

    monkeypatch.setattr(ganzoo.training.loop, "make_trainer", graphed)
    return made


SETTINGS: dict[str, Any] = {"ema_halflife": 4, "clip_grad_norm": 1.0, "lr_schedule": "linear"}


@pytest.mark.parametrize("variant", FIXTURES)
def test_captured_and_plain_iterations_give_the_same(
    variant: str, tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit: weights, averages, optimizers, generators, and the history. The learning rate changes every step."""
    settings = {**SETTINGS, **short_stages(variant)}
    captured = train(tmp_path / "captured", 40, variant, **settings)
    monkeypatch.undo()
    plain = train(tmp_path / "plain", 40, variant, **settings)
    assert_same(state_of(plain), state_of(captured))
    assert history(plain) == history(captured)
    assert tapes[0].captured >= 1
    assert tapes[0].replayed >= 10


@pytest.mark.parametrize(("variant", "outside"), [("dcgan", 0), ("sgan", 40)])
def test_a_batch_is_picked_within_the_capture_unless_the_variant_makes_its_own(
    variant: str, outside: int, tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, draw = [], BatchLoader.draw

    def counted(self: BatchLoader, start: int, n: int) -> Batch:
        drawn.append(start)
        return draw(self, start, n)

    monkeypatch.setattr(BatchLoader, "draw", counted)
    train(tmp_path / "x", 40, variant, **short_stages(variant))
    assert tapes[0].replayed >= 10
    assert len(drawn) == outside


def test_what_is_captured_is_resumed_exactly(tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(tmp_path / "x", 13, "wgan", dataset="ring", ema_halflife=4)
    resumed = ganzoo.train("wgan", out=first.path, steps=40, resume=True)
    assert [tape.replayed > 0 for tape in tapes] == [True, True]
    monkeypatch.undo()
    assert_same(state_of(train(tmp_path / "y", 40, "wgan", dataset="ring", ema_halflife=4)), state_of(resumed))


def test_each_set_of_due_updates_is_captured_once(tmp_path: Path, tapes: Any) -> None:
    """The critic alone and both players, before the average has its final weight and after: four kinds."""
    train(tmp_path / "x", 80, "wgan", dataset="ring", ema_halflife=16)
    assert tapes[0].captured == 4
    assert tapes[0].replayed == 80 - 4 * WATCHED


def test_what_reads_the_position_is_not_captured(tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise that fades with the images seen would fade no more."""
    noise = {"dataset": "ring", "instance_noise": 0.5, "steps": 12}
    with pytest.warns(TrainingWarning, match=r"no CUDA graph for the steps of discriminator.*state\.images is read"):
        run = train(tmp_path / "x", variant="vanilla", **noise)
    assert tapes[0].captured == 0
    monkeypatch.undo()
    assert_same(state_of(train(tmp_path / "y", variant="vanilla", **noise)), state_of(run))


def test_random_numbers_of_the_host_are_not_captured(
    tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated = GAN.generated
    monkeypatch.setattr(GAN, "generated", lambda *arguments: generated(*arguments) * random.random())
    with pytest.warns(TrainingWarning, match="random numbers are drawn on the host"):
        train(tmp_path / "x", 8, "vanilla", dataset="ring")
    assert tapes[0].captured == 0


@pytest.mark.parametrize("trouble", [{"reasons": ("the host waits",)}, {"error": "operation not permitted"}])
def test_what_cannot_be_captured_is_taken_step_by_step_with_one_word(
    trouble: dict[str, Any], tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tapes.settings = trouble
    with pytest.warns(TrainingWarning, match="the host waits|operation not permitted") as said:
        run = train(tmp_path / "x", 20, "wgan", dataset="ring", ema_halflife=4)
    assert len([w for w in said if "no CUDA graph" in str(w.message)]) == 1
    assert tapes[0].replayed == 0
    monkeypatch.undo()
    assert_same(state_of(train(tmp_path / "y", 20, "wgan", dataset="ring", ema_halflife=4)), state_of(run))


def test_after_a_capture_that_broke_off_nothing_is_captured_any_more(
    tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was captured before draws from a generator that had to be replaced."""
    plain = Tape.capture

    def second_breaks(self: Tape, work: Callable[[], None]) -> Callable[[], None]:
        self.error = "operation not permitted" if self.captured else ""
        return plain(self, work)

    monkeypatch.setattr(Tape, "capture", second_breaks)
    with pytest.warns(TrainingWarning, match="operation not permitted"):
        run = train(tmp_path / "x", 40, "wgan", dataset="ring", ema_halflife=16)
    assert tapes[0].captured == 1
    replayed = tapes[0].replayed
    assert 0 < replayed < 20
    monkeypatch.undo()
    assert_same(state_of(train(tmp_path / "y", 40, "wgan", dataset="ring", ema_halflife=16)), state_of(run))


def test_what_waits_once_at_its_first_use_is_captured(
    tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, calls = Tape.watched, []

    @contextmanager
    def first_waits(self: Tape) -> Iterator[list[str]]:
        calls.append(1)
        with watched(self) as reasons:
            yield [*reasons, *(["it waits"] if len(calls) == 1 else [])]

    monkeypatch.setattr(Tape, "watched", first_waits)
    train(tmp_path / "x", 12, "vanilla", dataset="ring", ema_halflife=0)
    assert tapes[0].captured == 1


def test_an_optimizer_that_may_count_in_python_is_not_captured(
    tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tape, "optimizers_on_device", True)
    monkeypatch.setattr(Variant, "optimizer", lambda self, player, parameters: torch.optim.SGD(parameters, lr=0.01))
    with pytest.warns(TrainingWarning, match="the optimizer of discriminator has no capturable form"):
        train(tmp_path / "x", 8, "vanilla", dataset="ring")
    assert tapes[0].captured == 0


def test_a_run_of_a_gpu_goes_on_without_its_way_to_step(tmp_path: Path) -> None:
    """A checkpoint whose optimizers were capturable is resumed on the CPU, where torch refuses that."""
    run = train(tmp_path / "x", 4, "wgan", dataset="ring", n_critic=2)
    tensors, header = read_tensors(run.latest())
    for own in header["optimizers"].values():
        for group in own["groups"]:
            group["capturable"] = True
    write_tensors(run.latest(), tensors, header)
    assert ganzoo.train("wgan", out=run.path, steps=8, resume=True).status == "finished"


def test_a_value_that_is_logged_now_and_then_keeps_its_step_uncaptured(
    tmp_path: Path, tapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = GAN.generator_loss, []

    def sometimes(self: GAN, state: State, batch: Any) -> Any:
        calls.append(1)
        more = {"rare": torch.ones(())} if len(calls) == WATCHED + 1 else {}
        return plain(self, state, batch) | more

    monkeypatch.setattr(GAN, "generator_loss", sometimes)
    with pytest.warns(TrainingWarning, match="rare is logged only now and then"):
        run = train(tmp_path / "x", 12, "vanilla", dataset="ring", ema_halflife=0, r1=0.0, penalty_every=1)
    assert tapes[0].replayed == 0
    assert all("rare" not in line for line in history(run)), "recording computes nothing"


def test_optimizers_keep_rates_and_counts_where_a_capture_sees_them_change(tmp_path: Path) -> None:
    job = prepare("wgan", "ring", out=tmp_path / "x", settings={**TINY})
    state = new_state(job.variant, job.device)
    optimizer = state.optimizers["generator"]
    for parameter in state.networks["generator"].parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    keep_on_device(optimizer, torch.device("meta"))
    group = optimizer.param_groups[0]
    assert group["capturable"]
    assert group["lr"].device.type == "meta"
    assert {values["step"].device.type for values in optimizer.state.values()} == {"meta"}
    held = optimizer.param_groups[0]["lr"] = torch.tensor(group["initial_lr"])
    set_rate(optimizer, 0.5)
    assert optimizer.param_groups[0]["lr"] is held
    assert float(held) == pytest.approx(0.5 * group["initial_lr"])


# Data on the device


def test_a_set_too_large_for_the_device_stays_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    source, device = MemorySource(torch.zeros(10, 1, 8, 8, dtype=torch.uint8)), torch.device("meta")
    monkeypatch.setattr(base, "free_memory", lambda _: 640 / base.SHARE)
    assert source.to(device).samples.device.type == "meta"
    monkeypatch.setattr(base, "free_memory", lambda _: 640 / base.SHARE - 1)
    assert source.to(device).samples.device.type == "cpu"


def test_the_order_of_samples_is_the_same_wherever_they_lie(tmp_path: Path) -> None:
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY})
    loader = BatchLoader(job.dataset, 3, job.device)
    wanted = Sampler(len(job.dataset.source), 3, torch.device("cpu")).indices(40, 8)
    assert torch.equal(loader.draw(40, 8)["images"], job.dataset.source.fetch(wanted))
    there = Sampler(10, 3, torch.device("meta"))
    assert there.indices(0, 15).device.type == "meta"
    assert there.indices(0, 15).shape == (15,)


def test_a_state_that_is_watched_is_the_state(tmp_path: Path) -> None:
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY})
    state = new_state(job.variant, job.device)
    watched = WatchedState(state)
    assert watched.networks is state.networks
    assert watched.read == []
    assert (watched.images, watched.step) == (0, 0)
    assert watched.read == ["images", "step"]
