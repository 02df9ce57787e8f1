"""Named warnings while training, and the word on where a value broke."""

import json
import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.errors import TrainingError
from ganzoo.models.state import State, Update
from ganzoo.runs.run import Run
from ganzoo.training.diagnostics import LINES, RESTS, Diagnostics, TrainingWarning, explain
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare

from .helpers import TINY, assert_same, history, state_of, train


def job(tmp_path: Path, variant: str = "vanilla", dataset: str = "ring", **settings: Any) -> TrainingSession:
    return prepare(variant, dataset, out=tmp_path / "run", settings={**TINY, "steps": 4, **settings})


def watch(made: TrainingSession, steps: int = 10_000) -> Diagnostics:
    return Diagnostics(made.variant, made.dataset, steps)


def line(d: float = 1.3, g: float = 0.7, **more: float) -> dict[str, Any]:
    return {"step": 1, "images": 8, "stage": "adversarial", "discriminator_loss": d, "generator_loss": g, **more}


def names(watcher: Diagnostics, *records: dict[str, Any]) -> list[list[str]]:
    return [[finding.name for finding in watcher.read(record)] for record in records]


# Discriminator-won


def test_a_discriminator_that_has_won_is_told_once_until_it_has_passed(tmp_path: Path) -> None:
    watcher = watch(job(tmp_path))
    won = [line(0.01 + 0.001 * i, g=5 + i) for i in range(LINES + 3)]
    assert names(watcher, *won) == [[]] * (LINES - 1) + [["discriminator-won"]] + [[]] * 3
    assert names(watcher, line(1.3, 0.9)) == [[]]
    assert names(watcher, *won)[LINES - 1] == ["discriminator-won"]


def test_a_discriminator_in_balance_and_a_critic_are_not_accused(tmp_path: Path) -> None:
    assert names(watch(job(tmp_path)), *[line(0.1 + 0.01 * i, g=i) for i in range(20)]) == [[]] * 20
    critic = watch(job(tmp_path / "w", "wgan", n_critic=2))
    assert names(critic, *[line(-5.0 - i, g=i) for i in range(20)]) == [[]] * 20
    assert names(critic, *[line(0.0, g=i) for i in range(20)]) == [[]] * 20, "a critic's loss has no level"


@pytest.mark.parametrize(
    ("loss", "chance"), [("non-saturating", 2 * math.log(2)), ("hinge", 2), ("least-squares", 0.5)]
)
def test_how_small_is_small_follows_from_the_loss(loss: str, chance: float, tmp_path: Path) -> None:
    made = job(tmp_path, loss=loss)
    below, above = ([line(share * chance, g=i) for i in range(LINES)] for share in (0.019, 0.021))
    assert names(watch(made), *below)[-1] == ["discriminator-won"]
    assert names(watch(made), *above)[-1] == []


def test_a_variant_with_a_loss_of_its_own_is_judged_by_its_probabilities(tmp_path: Path) -> None:
    made = job(tmp_path, "sgan", "glyphs", resolution=8, batch_size=8)
    lost, balanced = {"D(x)": 0.998, "D(G(z))": 0.001}, {"D(x)": 0.75, "D(G(z))": 0.25}
    assert names(watch(made), *[line(g=i, **lost) for i in range(LINES)])[-1] == ["discriminator-won"]
    assert names(watch(made), *[line(g=i, **balanced) for i in range(LINES)])[-1] == []


def test_smoothed_targets_hide_no_victory(tmp_path: Path) -> None:
    smoothed = job(tmp_path, label_smoothing=0.1)
    lost = {"D(x)": 0.895, "D(G(z))": 0.001}
    assert names(watch(smoothed), *[line(0.33, g=i, **lost) for i in range(LINES)])[-1] == ["discriminator-won"]


@pytest.mark.filterwarnings("ignore:player-resting")
def test_after_a_resume_it_goes_on_from_what_it_had_seen(tmp_path: Path) -> None:
    """The same warnings, in the same lines, as in a training that was not cut; none of them twice."""
    from .helpers import StopAt

    strong = {"lr": 0.01, "dropout": 0.0, "width": 16, "resolution": 8, "train_g_above": 1e9, "log_every": 20}
    with pytest.warns(TrainingWarning, match="discriminator-won"):
        whole = train(tmp_path / "whole", 400, "vanilla", **strong)
    marked = next(r["step"] for r in history(whole) if "warnings" in r)
    listener = StopAt(marked - 20)
    ganzoo.registry.registry.registry().attach(listener, "stop")
    try:
        with pytest.raises(ganzoo.errors.Interrupted):
            train(tmp_path / "cut", 400, "vanilla", **strong)
    finally:
        ganzoo.registry.registry.registry().detach(listener)
    with pytest.warns(TrainingWarning, match=f"discriminator-won at step {marked}"):
        resumed = ganzoo.train(out=tmp_path / "cut", resume=True)
    assert history(resumed) == history(whole)
    assert resumed.details["warnings"] == whole.details["warnings"]


@pytest.mark.filterwarnings("ignore:player-resting")
def test_a_real_training_in_which_d_wins_warns_and_keeps_the_warning(tmp_path: Path) -> None:
    strong = {"lr": 0.01, "dropout": 0.0, "width": 16, "resolution": 8}
    with pytest.warns(TrainingWarning, match="discriminator-won at step .*weakens it"):
        run = train(tmp_path / "x", 400, "vanilla", **strong, train_g_above=1e9, log_every=20)
    kept = json.loads((run.path / "run.json").read_text())["warnings"]
    assert kept[0]["name"] == "discriminator-won"
    marked = [r for r in history(run) if "discriminator-won" in r.get("warnings", [])]
    assert [r["step"] for r in marked] == [w["step"] for w in kept if w["name"] == "discriminator-won"]


def test_a_player_that_never_trains_is_told(tmp_path: Path) -> None:
    watcher = watch(job(tmp_path, train_g_above=1e30))
    found = names(watcher, *[line(g=i, generator_skipped=1.0) for i in range(RESTS)])
    assert found == [[]] * (RESTS - 1) + [["player-resting"]]
    now_and_then = [line(g=i, generator_skipped=0.9) for i in range(RESTS)]
    assert names(watch(job(tmp_path / "n", train_g_above=1.0)), *now_and_then) == [[]] * RESTS


# Losses-frozen


def test_losses_that_stand_still_are_told(tmp_path: Path) -> None:
    still, moving = [line(0.7, 0.3)] * LINES, [line(0.7, 0.3 + 1e-4 * i) for i in range(LINES)]
    assert names(watch(job(tmp_path)), *still) == [[]] * (LINES - 1) + [["losses-frozen"]]
    assert names(watch(job(tmp_path / "m")), *moving) == [[]] * LINES
    resting = watch(job(tmp_path / "r", train_d_above=0.1))
    assert names(resting, *still) == [[]] * LINES, "it was asked to rest"


def test_a_training_of_dead_units_is_told(tmp_path: Path) -> None:
    made = job(tmp_path, steps=10, log_every=1)
    state = new_state(made.variant, made.device)
    for network in state.networks.values():
        for parameter in network.parameters():
            parameter.data.zero_()
            parameter.requires_grad_()
    for optimizer in state.optimizers.values():
        optimizer.param_groups[0]["lr"] = 0.0
    run = Run.create(tmp_path / "run", made.variant, {})
    with pytest.warns(TrainingWarning, match="losses-frozen at step 5"):
        TrainingLoop(made.variant, state, made.dataset, run, lambda *a, **k: None, made.device).fit()


# Diversity-lost


class Fixed(nn.Module):
    """Stands for a generator: draws what it was given, over and over."""


def looked(
    made: TrainingSession, samples: Tensor, step: int = 5000, classes: int = 0
) -> tuple[Diagnostics, dict[str, float]]:
    from ganzoo.models.interfaces import Generator

    class Drawn(Generator):
        def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
            which = (latents[:, 0].abs() * 1e4).long() % len(samples)
            return samples[which]

    network = Drawn(1, classes)
    network.register_parameter("unused", nn.Parameter(torch.zeros(1)))
    watcher = watch(made)
    return watcher, watcher.look(State({"generator": network}, {}, {}, step=step))


def test_modes_are_counted_on_toys(tmp_path: Path) -> None:
    from ganzoo.data.drawn.toys import draw, modes

    made = job(tmp_path)
    points = draw(modes("ring"), 4000, 0)
    watcher, shown = looked(made, points)
    assert shown["modes_found"] == 8
    assert shown["high_quality"] == pytest.approx(0.989, abs=0.01)  # within 3 standard deviations in two dimensions
    assert names(watcher, line(**shown), line(d=1.2, **shown)) == [[], []]
    three = points[(torch.arange(4000) % 8) < 3]
    watcher, shown = looked(made, three)
    assert shown["modes_found"] == 3
    found = [watcher.read(line(d=1 + i, **shown)) for i in range(3)]
    assert [[f.name for f in said] for said in found] == [[], ["diversity-lost"], []]
    assert "samples lie near 3 of 8 modes" in found[1][0].message


def test_repeated_images_and_missing_classes_are_told(tmp_path: Path) -> None:
    made = job(tmp_path, dataset="glyphs")
    source, labels = made.dataset.source, made.dataset.labels
    assert labels is not None
    real = source.fetch(torch.arange(20_000)).float() / 127.5 - 1
    watcher, shown = looked(made, real)
    assert watcher.reference().accuracy > 0.8, "on digits the nearest neighbour tells the class"
    assert shown["rarest_class"] > 0.04
    assert names(watcher, line(**shown), line(d=1.2, **shown)) == [[], []]
    watcher, shown = looked(made, real[(torch.arange(20_000) % 10) != 3])
    assert shown["rarest_class"] < 0.01
    assert "a class has" in watcher._uniform(shown)
    watcher, shown = looked(made, real[:3])
    assert shown["duplicate_rate"] == 1
    said = [watcher.read(line(d=1 + i, **shown)) for i in range(2)][1]
    assert [f.name for f in said] == ["diversity-lost"]
    assert "100% of 512 samples nearly repeat another" in said[0].message


def test_samples_are_not_judged_before_they_can_be_good(tmp_path: Path) -> None:
    made = job(tmp_path)
    assert looked(made, torch.zeros(4, 2), step=999)[1] == {}
    assert looked(made, torch.zeros(4, 2), step=1000)[1]["modes_found"] == 0


def test_a_real_collapse_warns_and_a_sound_training_does_not(tmp_path: Path) -> None:
    common = {"dataset": "ring", "sample_every": 300, "width": 32, "batch_size": 64, "latent_dim": 2}
    with pytest.warns(TrainingWarning, match="diversity-lost"):
        train(tmp_path / "bad", 1200, "vanilla", **common, lr=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        good = train(tmp_path / "good", 4, "vanilla", **common)
    assert "warnings" not in json.loads((good.path / "run.json").read_text())


def test_diagnostics_can_be_switched_off_and_change_no_weight(tmp_path: Path) -> None:
    common = {"dataset": "glyphs", "sample_every": 600, "batch_size": 4, "width": 4, "resolution": 8, "lr": 1e-8}
    with pytest.warns(TrainingWarning, match="diversity-lost"):
        on = train(tmp_path / "on", 1200, "vanilla", **common)
    off = train(tmp_path / "off", 1200, "vanilla", **common, diagnostics=False)
    assert_same(state_of(on), state_of(off))
    assert any("duplicate_rate" in r for r in history(on))
    assert not any("duplicate_rate" in r for r in history(off))


# Not finite


def broken(made: TrainingSession, tmp_path: Path, spoil: Any, steps_before: int = 2) -> str:
    """The message of a training that is spoilt after some steps."""
    state = new_state(made.variant, made.device)
    run = Run.create(tmp_path / "run", made.variant, {})
    loop = TrainingLoop(made.variant, state, made.dataset, run, lambda *a, **k: None, made.device)
    for n in range(steps_before):
        loop.trainer.iterate(loop.stages[0], n + 1)
    spoil(state)
    with pytest.raises(TrainingError) as caught:
        loop.trainer.iterate(loop.stages[0], steps_before + 1)
    return str(caught.value)


def test_the_message_names_the_weight_and_whose_step_broke_it(tmp_path: Path) -> None:
    def spoil(state: State) -> None:
        state.networks["generator"].head.weight.data[0, 0] = float("nan")  # type: ignore[index, union-attr]

    message = broken(job(tmp_path), tmp_path, spoil)
    assert "the loss of 'discriminator' is nan in step 3" in message
    assert (
        "head.weight of network 'generator' is not finite: the step of 'generator' before this one broke it" in message
    )


def test_the_message_names_the_first_layer_that_overflows(tmp_path: Path) -> None:
    def spoil(state: State) -> None:
        for layer in state.networks["discriminator"].body:  # type: ignore[union-attr]
            if isinstance(layer, nn.Linear):
                layer.weight.data.fill_(1e30)

    message = broken(job(tmp_path), tmp_path, spoil)
    assert "the output of layer body.2 of network 'discriminator' (Linear) is the first that is not finite" in message


def test_the_message_tells_a_batch_and_a_loss_from_a_layer(tmp_path: Path) -> None:
    made = job(tmp_path)
    state = new_state(made.variant, made.device)
    infinite = {"total": torch.tensor(float("inf")), "part": torch.tensor(1.0)}
    update = Update("generator", "generator", lambda state, batch: infinite)
    batch = {"images": torch.zeros(2, 2)}
    losses = {"total": torch.tensor(float("inf")), "part": torch.tensor(float("nan"))}
    assert "the loss itself is not: part" in explain(made.variant, state, update, batch, losses)
    spoilt = {"images": torch.tensor([[float("nan"), 0.0]])}
    assert explain(made.variant, state, update, spoilt, losses) == "the batch's 'images' are not finite"


def test_a_run_that_breaks_fails_keeps_its_last_good_checkpoint_and_can_go_on(tmp_path: Path) -> None:
    """The learning rate jumps far too high after a checkpoint; with a bearable one the run goes on from there."""
    from ganzoo import hookimpl
    from ganzoo.registry.registry import registry

    class Spoil:
        @hookimpl
        def ganzoo_checkpoint_saved(self, run: Run, path: Path) -> None:
            if run.step == 10:
                for group in self.state.optimizers["discriminator"].param_groups:
                    group["lr"] = 1e38

        state: State

    listener, original = Spoil(), TrainingLoop.fit

    def fit(self: TrainingLoop) -> None:
        listener.state = self.state
        original(self)

    registry().attach(listener, "spoil")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TrainingLoop, "fit", fit)
            with pytest.raises(TrainingError, match="not-finite") as caught:
                train(tmp_path / "x", 40, "vanilla", dataset="ring", checkpoint_every=10)
    finally:
        registry().detach(listener)
    assert "in step 11" in str(caught.value) or "in step 12" in str(caught.value)
    assert "the last good checkpoint is" in str(caught.value)
    details = json.loads((tmp_path / "x" / "run.json").read_text())
    assert details["status"] == "failed"
    assert "not-finite" in details["reason"]
    assert [p.name for p in (tmp_path / "x" / "checkpoints").iterdir()] == ["step-00000010.safetensors"]
    assert ganzoo.train(out=tmp_path / "x", resume=True).status == "finished"
