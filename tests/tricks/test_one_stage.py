"""One pass of D for both players: G's gradients are those of a pass of its own, against D before its step."""

from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.training.loop import TrainingLoop, new_state
from tests.training.helpers import assert_same, state_of, train

CASES: list[tuple[str, dict[str, Any]]] = [
    ("vanilla", {"dropout": 0.0}),
    ("vanilla", {"dropout": 0.0, "loss": "minimax", "label_smoothing": 0.2}),
    ("vanilla", {"dropout": 0.0, "loss": "softmax"}),
    ("vanilla", {"dropout": 0.0, "loss": "boundary-seeking", "drift": 0.1, "r1": 1.0}),
    ("vanilla", {"dropout": 0.0, "loss": "f-squared-hellinger"}),
    ("cgan", {"d_norm": "none", "loss": "f-kl"}),
    ("wgan-gp", {}),
    ("r3gan", {"penalty_every": 4}),
    ("r3gan", {"penalty_every": 4, "d_network": "residual", "group": 4}),
]


@pytest.mark.parametrize(("name", "more"), CASES)
def test_gradients_are_those_of_a_pass_of_their_own(name: str, more: dict[str, Any], tmp_path: Path) -> None:
    settings = {"width": 8, "batch_size": 8, "device": "cpu", "one_stage": True, **more}
    job = ganzoo.prepare(name, "glyphs", out=tmp_path / "x", settings=settings)
    state, nothing = new_state(job.variant, job.device), None
    trainer = TrainingLoop(job.variant, state, job.dataset, nothing, nothing, job.device).trainer  # type: ignore[arg-type]  # neither is used
    batch = trainer.next_batch()
    updates = {update.name: update for update in job.variant.stages()[0].updates}
    generator, (game,) = state.networks["generator"], job.variant.games()

    torch.manual_seed(0)
    trainer.compute_gradients(updates["discriminator"], batch)
    found = trainer.compute_gradients(updates["generator"], batch)["total"]
    gradients = [p.grad for p in generator.parameters()]

    torch.manual_seed(0)
    generator.zero_grad()
    fake = job.variant.generated(state, batch, game)
    expected = job.variant.game_generator_loss(state, batch, game, fake)["total"]
    expected.backward()
    torch.testing.assert_close(found, expected.detach())
    largest = max(float(p.grad.abs().max()) for p in generator.parameters() if p.grad is not None)
    assert largest > 0
    for a, p in zip(gradients, generator.parameters(), strict=True):
        torch.testing.assert_close(a, p.grad, rtol=1e-3, atol=1e-4 * largest)


def test_resume_is_exact(tmp_path: Path) -> None:
    settings = {"variant": "r3gan", "dataset": "glyphs", "one_stage": True, "penalty_every": 2}
    straight = train(tmp_path / "a", 7, **settings)
    train(tmp_path / "b", 4, **settings)
    assert_same(state_of(straight), state_of(ganzoo.train("r3gan", out=tmp_path / "b", resume=True, steps=7)))


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("vanilla", {"loss": "hinge"}, "loss = 'hinge'"),
        ("vanilla", {"loss": "f-pearson"}, "loss = 'f-pearson'"),
        ("vanilla", {"accumulate": 2}, "accumulate = 2"),
        ("vanilla", {"label_flipping": 0.1}, "label_flipping = 0.1"),
        ("vanilla", {"minibatch_std": True}, "one logit a sample"),
        ("cgan", {}, "Add -o d_norm=none"),
        ("r3gan", {}, "penalty_every=4"),
        ("acgan", {}, "one_stage = True has no effect"),
    ],
)
def test_what_does_not_go_with_it(name: str, more: dict[str, Any], message: str, tmp_path: Path) -> None:
    settings = {"width": 8, "batch_size": 8, "device": "cpu", "one_stage": True, **more}
    with pytest.raises(ConfigError, match=message):
        ganzoo.train(name, dataset="glyphs", out=tmp_path / "x", steps=1, **settings)
    assert not (tmp_path / "x").exists()
