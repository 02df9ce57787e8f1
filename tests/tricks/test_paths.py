"""Path length regularisation: its value, whom it reaches, when it is due, and that a resume goes on exactly."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.data.loader import BatchLoader
from ganzoo.errors import ConfigError
from ganzoo.models.interfaces import Generator
from ganzoo.models.state import State, Update
from ganzoo.training.cuda_graphs import make_trainer
from ganzoo.training.loop import new_state
from ganzoo.training.setup import prepare
from ganzoo.tricks import penalties

from ..training.helpers import TINY, assert_same, state_of, train

MEAN = "path_length.mean"


class Linear(Generator):
    """x = A z, of 2x2 pixels."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__(matrix.shape[1])
        self.matrix = nn.Parameter(matrix)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return (latents @ self.matrix.T).view(-1, 1, 2, 2)


def made(out: Path, name: str = "vanilla", **settings: Any) -> tuple[Any, State]:
    job = prepare(name, "ring", out=out, settings={**TINY, "steps": 4, "path_length": 3.0, "path_every": 5, **settings})
    return job.variant, new_state(job.variant, job.device)


def test_the_lengths_of_a_linear_generator_are_those_of_its_matrix(tmp_path: Path) -> None:
    """By hand: a direction y of the pixels, over the root of their number, has the length |A^T y| / 2."""
    torch.manual_seed(3)
    matrix = torch.randn(4, 3)
    variant, state = made(tmp_path / "x")
    state.networks["generator"] = Linear(matrix)
    torch.manual_seed(8)
    losses = variant.path_length_loss(state, {"images": torch.zeros(10, 2)})
    torch.manual_seed(8)
    torch.randn(5, 3)  # the latents of half a batch, which for a linear network do not matter
    lengths = (torch.randn(5, 1, 2, 2).view(5, 4) @ matrix / 2).norm(dim=1)
    mean = 0.01 * float(lengths.mean())
    assert float(state.memory[MEAN]) == pytest.approx(mean)
    assert float(losses["path_mean"]) == pytest.approx(mean)
    penalty = float((lengths - mean).square().mean())
    assert float(losses["path_penalty"].detach()) == pytest.approx(penalty)
    assert float(losses["total"].detach()) == pytest.approx(3 * 5 * penalty)


def test_the_square_is_averaged_over_the_places_where_a_latent_enters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "randn_like", torch.ones_like)
    start = torch.ones(1, 2, 3, requires_grad=True)
    samples = (start * torch.tensor([[1.0, 2, 2], [0, 0, 1]])).sum((1, 2))[:, None]  # slopes of length 3 and 1
    assert penalties.path_lengths(samples, start).tolist() == pytest.approx([((9 + 1) / 2) ** 0.5])


def test_a_flat_generator_has_no_slope_and_breaks_nothing(tmp_path: Path) -> None:
    variant, state = made(tmp_path / "x")
    network = Linear(torch.zeros(4, 3))
    state.networks["generator"] = network
    losses = variant.path_length_loss(state, {"images": torch.zeros(4, 2)})
    losses["total"].backward()
    assert losses["total"].isfinite()
    assert network.matrix.grad is not None
    assert network.matrix.grad.isfinite().all()


def test_only_the_generator_moves(tmp_path: Path) -> None:
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, "steps": 4, "path_length": 3.0})
    state = new_state(job.variant, job.device)
    trainer = make_trainer(job.variant, state, BatchLoader(job.dataset, 0, job.device), job.device)
    update = next(update for update in job.variant.updates() if update.name == "path_length")
    before = {name: nn.utils.parameters_to_vector(n.parameters()).clone() for name, n in state.networks.items()}
    trainer.apply_update(update, trainer.next_batch())
    after = {name: nn.utils.parameters_to_vector(n.parameters()) for name, n in state.networks.items()}
    assert not torch.equal(before["generator"], after["generator"])
    assert torch.equal(before["discriminator"], after["discriminator"])
    assert all(p.grad is None for p in state.networks["discriminator"].parameters())


def due(variant: Any) -> list[tuple[str, str, int]]:
    return [(u.name, u.player, u.every) for u in variant.updates()]


def test_it_is_lazy_and_adam_follows(tmp_path: Path) -> None:
    variant, state = made(tmp_path / "x", lr=1e-3, beta1=0.5, penalty_every=1)
    assert due(variant)[-1] == ("path_length", "generator", 5)
    parameters = list(state.networks["generator"].parameters())
    group = variant.optimizer("generator", parameters).param_groups[0]
    assert group["lr"] == pytest.approx(1e-3 * 5 / 6)
    assert group["betas"][0] == pytest.approx(0.5 ** (5 / 6))
    assert variant.optimizer("discriminator", parameters).param_groups[0]["lr"] == 1e-3


def test_a_critic_that_steps_more_often_makes_it_rarer(tmp_path: Path) -> None:
    assert due(made(tmp_path / "x", "wgan", n_critic=3)[0])[-1] == ("path_length", "generator", 15)


def test_by_default_there_is_nothing_of_it(tmp_path: Path) -> None:
    variant, state = made(tmp_path / "x", path_length=0.0, path_every=4, lr=1e-3)
    assert all(name != "path_length" for name, _, _ in due(variant))
    assert MEAN not in state.memory
    assert state.optimizers["generator"].param_groups[0]["lr"] == 1e-3


def test_two_samples_are_enough_for_batch_normalisation(tmp_path: Path) -> None:
    run = ganzoo.train(
        "dcgan", "glyphs", out=tmp_path / "x",
        **{**TINY, "steps": 2, "width": 4, "resolution": 16, "batch_size": 2, "path_length": 1.0, "path_every": 1},
    )  # fmt: skip
    assert state_of(run)[f"memory/{MEAN}"] > 0


def test_a_resume_goes_on_exactly_and_the_mean_is_saved(tmp_path: Path) -> None:
    settings = {"dataset": "ring", "path_length": 2.0, "path_every": 2, "log_every": 1}
    whole = train(tmp_path / "whole", 7, "vanilla", **settings)
    train(tmp_path / "parts", 3, "vanilla", **settings)
    parts = ganzoo.train(out=tmp_path / "parts", resume=True, steps=7)
    assert float(state_of(whole)[f"memory/{MEAN}"]) > 0
    assert_same(state_of(whole), state_of(parts))


def test_compiled_networks_cannot_have_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="compile = true with path_length"):
        made(tmp_path / "x", compile=True, r1=0.0, penalty_every=1)


def test_a_captured_iteration_moves_the_mean_in_place(tmp_path: Path) -> None:
    """A CUDA graph repeats what was done to one tensor: another one under the same name would stand still."""
    variant, state = made(tmp_path / "x")
    mean, batch = state.memory[MEAN], {"images": torch.zeros(8, 2)}
    update = next(u for u in variant.updates() if u.name == "path_length")
    assert isinstance(update, Update)
    update.loss(state, batch)
    first = float(mean)
    update.loss(state, batch)
    assert state.memory[MEAN] is mean
    assert 0 < first < float(mean)
