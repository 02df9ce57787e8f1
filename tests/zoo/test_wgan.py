"""wgan and wgan-gp: whose steps are taken when, what bounds the critic, and what is logged."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Adam

from ganzoo.errors import ConfigError
from ganzoo.models.load import load_variant
from ganzoo.models.optimizers import FusedRMSprop
from ganzoo.runs.run import Run
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.setup import prepare

from ..training.helpers import TINY, history, train

SMALL: dict[str, Any] = {**TINY, "width": 2}


def trainer(tmp_path: Path, variant: str, dataset: str, **settings: Any) -> TrainingLoop:
    job = prepare(variant, dataset, out=tmp_path / "run", settings={**SMALL, **settings})
    state = new_state(job.variant, job.device)
    run = Run.create(tmp_path / "run", job.variant, {})
    return TrainingLoop(job.variant, state, job.dataset, run, lambda *a, **k: None, job.device)


@pytest.mark.parametrize(("dataset", "resolution"), [("ring", None), ("glyphs", 8)])
def test_clipped_weights_are_within_the_bound_after_every_critic_step(
    dataset: str, resolution: int | None, tmp_path: Path
) -> None:
    made = trainer(tmp_path, "wgan", dataset, steps=7, clip=0.02, lr=0.01, resolution=resolution)
    critic = made.state.networks["discriminator"]
    largest: list[float] = []
    after = made.stages[0].updates[0].after
    assert after is not None

    def watched(state: Any, losses: Any) -> None:
        before = max(float(p.detach().abs().max()) for p in critic.parameters())
        after(state, losses)
        largest.append(max(float(p.detach().abs().max()) for p in critic.parameters()))
        assert before > 0.02, "the step leaves the bound, so that clipping has something to do"

    object.__setattr__(made.stages[0].updates[0], "after", watched)
    made.fit()
    assert len(largest) == 7
    assert max(largest) <= 0.02


@pytest.mark.parametrize("variant", ["wgan", "wgan-gp"])
@pytest.mark.parametrize("n_critic", [1, 3, 5])
def test_n_critic_is_honoured_exactly(variant: str, n_critic: int, tmp_path: Path) -> None:
    made = trainer(tmp_path, variant, "ring", steps=11, n_critic=n_critic)
    moved = {"discriminator": [], "generator": []}  # type: dict[str, list[int]]
    take = made.trainer.apply_update

    def watched(update: Any, batch: Any) -> None:
        before = {name: [p.detach().clone() for p in net.parameters()] for name, net in made.state.networks.items()}
        take(update, batch)
        for name, net in made.state.networks.items():
            if any(not torch.equal(p, b) for p, b in zip(net.parameters(), before[name], strict=True)):
                moved[name].append(made.state.step + 1)

    made.trainer.apply_update = watched  # type: ignore[method-assign]  # a spy
    made.fit()
    assert moved["discriminator"] == [*range(1, 12)]
    assert moved["generator"] == [*range(n_critic, 12, n_critic)]


def test_each_critic_step_has_a_batch_of_its_own(tmp_path: Path) -> None:
    made = trainer(tmp_path, "wgan", "ring", steps=6)
    seen: list[torch.Tensor] = []
    draw = made.trainer.next_batch

    def watched() -> Any:
        batch = draw()
        seen.append(batch["images"])
        return batch

    made.trainer.next_batch = watched  # type: ignore[method-assign]  # a spy
    made.fit()
    assert len({tuple(batch.flatten().tolist()) for batch in seen}) == 6


def test_optimizers_and_critics_are_the_papers(tmp_path: Path) -> None:
    papers = load_variant("wgan").presets["paper"]
    wgan = trainer(tmp_path / "a", "wgan", "glyphs", steps=5, resolution=16, lr=papers["lr"])
    assert all(isinstance(optimizer, FusedRMSprop) for optimizer in wgan.state.optimizers.values())
    assert wgan.state.optimizers["generator"].param_groups[0]["lr"] == 5e-5
    gp = trainer(tmp_path / "b", "wgan-gp", "glyphs", steps=5, resolution=16)
    assert all(isinstance(optimizer, Adam) for optimizer in gp.state.optimizers.values())
    assert gp.state.optimizers["generator"].param_groups[0]["betas"] == (0.0, 0.9)
    assert gp.config.tricks.gradient_penalty == 10
    for made, has in ((wgan, True), (gp, False)):
        norms = [m for m in made.state.networks["discriminator"].modules() if isinstance(m, nn.BatchNorm2d)]
        assert bool(norms) == has
        assert not any(isinstance(m, nn.Sigmoid) for m in made.state.networks["discriminator"].modules())


def test_the_penalty_can_be_lazy(tmp_path: Path) -> None:
    made = trainer(tmp_path, "wgan-gp", "ring", steps=8, n_critic=2, penalty_every=4)
    assert [(u.name, u.every) for u in made.stages[0].updates] == [
        ("penalty", 4), ("discriminator", 1), ("generator", 2),
    ]  # fmt: skip
    made.fit()


def test_the_estimate_of_the_distance_is_logged_and_is_what_the_critic_maximises(tmp_path: Path) -> None:
    records = history(train(tmp_path / "x", 5, "wgan", dataset="ring", log_every=1, width=2))
    for record in records:
        assert record["wasserstein"] == pytest.approx(-record["discriminator_loss"], rel=1e-6, abs=1e-9)
    penalised = history(train(tmp_path / "y", 5, "wgan-gp", dataset="ring", log_every=1, width=2))
    for record in penalised:
        assert record["gradient_penalty"] > 0
        without = record["discriminator_loss"] - record["gradient_penalty"]
        assert record["wasserstein"] == pytest.approx(-without, rel=1e-4, abs=1e-6)


def test_a_penalty_beside_batch_normalisation_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"batch normalisation.*d_norm=none"):
        trainer(tmp_path, "wgan", "glyphs", steps=5, resolution=16, gradient_penalty=1.0)
    made = trainer(tmp_path, "wgan", "glyphs", steps=5, resolution=16, gradient_penalty=1.0, d_norm="none")
    made.fit()


def test_the_number_of_critic_steps_is_not_said_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="n_critic says how often"):
        trainer(tmp_path, "wgan", "ring", steps=5, d_steps=2)


def test_normalisation_of_a_critic_that_has_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"d_norm = 'none' does nothing: the fully connected critic has no norm"):
        trainer(tmp_path, "wgan", "ring", steps=5, d_norm="none")
    with pytest.raises(ConfigError, match=r"d_norm = 'none' does nothing: the fully connected discriminator"):
        trainer(tmp_path, "cgan", "glyphs", steps=1, d_norm="none", network="mlp")
