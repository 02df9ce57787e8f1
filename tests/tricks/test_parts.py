"""What each part of the tricks computes, against the papers' formulas written out here."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ganzoo.config.settings import Tricks
from ganzoo.models.losses import LeastSquares, Minimax, NonSaturating
from ganzoo.runs.run import Run
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.setup import prepare
from ganzoo.tricks import augment as sight
from ganzoo.tricks import discriminator as networks
from ganzoo.tricks import penalties as losses
from ganzoo.tricks.schedules import factor

from ..training.helpers import TINY, history, train

REAL = torch.tensor([2.0, -0.5, 0.3, 4.0])
FAKE = torch.tensor([-1.0, 0.7, -3.0, 0.1])


# Losses


def test_one_sided_smoothing_lowers_the_target_of_real_samples_alone() -> None:
    found = losses.discriminator(NonSaturating(), Tricks(label_smoothing=0.1), REAL, FAKE)
    expected = binary_cross_entropy_with_logits(REAL, torch.full((4,), 0.9))
    expected = expected + binary_cross_entropy_with_logits(FAKE, torch.zeros(4))
    torch.testing.assert_close(found, expected)
    squares = losses.discriminator(LeastSquares(), Tricks(label_smoothing=0.1), REAL, FAKE)
    torch.testing.assert_close(squares, 0.5 * ((REAL - 0.9).square().mean() + FAKE.square().mean()))


@pytest.mark.parametrize("loss", [NonSaturating(), Minimax(), LeastSquares()])
def test_targets_without_smoothing_and_flipping_are_the_loss_itself(loss: Any) -> None:
    torch.testing.assert_close(
        loss.per_sample(REAL, torch.ones(4)).mean() + loss.per_sample(FAKE, torch.zeros(4)).mean(),
        loss.discriminator(REAL, FAKE),
    )
    assert losses.discriminator(loss, Tricks(), REAL, FAKE) == loss.discriminator(REAL, FAKE)


def test_labels_flip_with_their_probability() -> None:
    torch.manual_seed(0)
    flipped = losses.targets(torch.zeros(20_000), own=0.9, other=0.0, probability=0.3)
    assert flipped.unique().tolist() == pytest.approx([0.0, 0.9])
    assert float((flipped == 0).double().mean()) == pytest.approx(0.3, abs=0.01)


def linear_judge(weights: Tensor) -> Any:
    return lambda samples: samples.flatten(1) @ weights


def test_penalties_of_a_linear_critic_are_known_in_closed_form() -> None:
    torch.manual_seed(0)
    weights = torch.randn(12)
    real, fake = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2)
    norm = float(weights.norm())
    found = losses.gradient_penalty(linear_judge(weights), real, fake, 10.0)
    assert float(found) == pytest.approx(10 * (norm - 1) ** 2, rel=1e-5)
    real.requires_grad_()
    assert float(losses.r1(linear_judge(weights)(real), real, 4.0)) == pytest.approx(2 * norm**2, rel=1e-5)


def test_penalties_are_differentiable_in_the_critics_weights() -> None:
    weights = torch.randn(4, requires_grad=True)
    real, fake = torch.randn(6, 4), torch.randn(6, 4)
    (slope,) = torch.autograd.grad(losses.gradient_penalty(linear_judge(weights), real, fake, 1.0), weights)
    norm = weights.detach().norm()
    torch.testing.assert_close(slope, 2 * (norm - 1) * weights.detach() / norm)


def test_the_penalty_is_taken_on_lines_between_real_and_generated() -> None:
    seen: list[Tensor] = []

    def discriminate(samples: Tensor) -> Tensor:
        seen.append(samples.detach())
        return samples.sum(1)

    real, fake = torch.ones(200, 2), torch.tensor([[-1.0, 3.0]]).expand(200, 2)
    losses.gradient_penalty(discriminate, real, fake, 1.0)
    share = (seen[0][:, 0] - fake[:, 0]) / 2
    torch.testing.assert_close(seen[0][:, 1], 3 - 2 * share)
    assert 0 <= share.min() < 0.1
    assert 0.9 < share.max() <= 1


def test_feature_matching_is_the_distance_of_means() -> None:
    real, fake = torch.randn(6, 3, 2), torch.randn(9, 3, 2, requires_grad=True)
    expected = (real.flatten(1).mean(0) - fake.flatten(1).mean(0)).square().sum()
    torch.testing.assert_close(losses.feature_distance(real, fake), expected)


def test_features_are_what_the_last_layer_sees() -> None:
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
    values = torch.randn(4, 3)
    with networks.last_features(network) as seen:
        network(values)
    assert torch.equal(seen[0], network[:2](values))
    network(values)
    assert len(seen) == 1, "the hook is gone"


# Networks


def test_minibatch_discrimination_is_the_papers_sum() -> None:
    """o(x_i)_b = sum over j of exp(-|M_ib - M_jb|_1), M = f(x) T: arXiv:1606.03498, section 3.2; others only."""
    torch.manual_seed(0)
    head = networks.BatchHead(nn.Linear(6, 1), Tricks(minibatch_kernels=4, minibatch_dim=3))
    features = torch.randn(5, 6)
    m = (features @ head.tensor.detach()).view(5, 4, 3)
    expected = torch.zeros(5, 4)
    for i in range(5):
        for b in range(4):
            expected[i, b] = sum(math.exp(-float((m[i, b] - m[j, b]).abs().sum())) for j in range(5) if j != i)
    torch.testing.assert_close(head.closeness(features), expected)
    assert torch.allclose(head.closeness(features[:1].expand(7, -1)), torch.full((7, 4), 6.0))


def test_minibatch_discrimination_can_be_differentiated_twice() -> None:
    torch.manual_seed(0)
    rows = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(networks.Distances.apply, rows)
    assert torch.autograd.gradgradcheck(networks.Distances.apply, rows)
    gradients = [
        torch.autograd.grad(networks.Distances.apply(rows).exp().sum(), rows, create_graph=c)[0] for c in (0, 1)
    ]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("layer", [nn.Linear(6, 1), nn.Conv2d(6, 1, 2)])
def test_a_widened_head_keeps_what_the_layer_computed(layer: Any) -> None:
    features = torch.randn(8, 6) if isinstance(layer, nn.Linear) else torch.randn(8, 6, 2, 2)
    head = networks.BatchHead(layer, Tricks(minibatch_std=True))
    spread = features.flatten(1).var(0, unbiased=False).add(1e-8).sqrt().mean()
    added = head.layer.weight[:, 6:].sum() * spread
    torch.testing.assert_close(head(features), layer(features) + added, rtol=1e-4, atol=1e-5)
    assert head(features).shape == layer(features).shape


def test_spectral_norm_holds_every_layer_at_one(tmp_path: Path) -> None:
    settings = {**TINY, "steps": 60, "lr": 0.01, "spectral_norm": True}
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings=settings)
    state = new_state(job.variant, job.device)
    run = Run.create(tmp_path / "x", job.variant, {})
    TrainingLoop(job.variant, state, job.dataset, run, lambda *a, **k: None, job.device).fit()
    discriminator = state.networks["discriminator"]
    values = torch.randn(64, 2)
    for _ in range(50):  # each pass takes one step of power iteration
        discriminator(values)
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Linear)]
    assert len(layers) >= 3
    for layer in layers:
        assert float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) == pytest.approx(1, abs=0.05)


# What D sees


def test_instance_noise_fades_linearly_to_nothing() -> None:
    assert [sight.noise_std(0.4, seen, 100) for seen in (0, 25, 100, 500)] == pytest.approx([0.4, 0.3, 0, 0])
    values = torch.randn(4, 2)
    assert sight.add_noise(values, 0.0) is values
    torch.manual_seed(0)
    noise = sight.add_noise(torch.zeros(100, 100), 0.3)
    assert float(noise.std()) == pytest.approx(0.3, rel=0.02)


def test_instance_noise_ends_where_it_was_told_to(tmp_path: Path) -> None:
    job = prepare(
        "vanilla", "ring", out=tmp_path / "x",
        settings={**TINY, "steps": 10, "instance_noise": 0.5, "instance_noise_images": 40},
    )  # fmt: skip
    state = new_state(job.variant, job.device)
    points = torch.zeros(2000, 2)
    for images, std in ((0, 0.5), (20, 0.25), (40, 0.0), (64, 0.0)):
        state.images = images
        assert float(job.variant.augment(state, points).std()) == pytest.approx(std, rel=0.1, abs=1e-9)


@pytest.mark.parametrize(
    ("images", "expected"),
    [(0, ((0, 0.5), (40, 0.5), (60, 0.25), (80, 0.0))), (20, ((40, 0.5), (50, 0.25), (60, 0.0)))],
)
def test_instance_noise_waits_for_the_discriminator(
    images: int, expected: tuple[tuple[int, float], ...], tmp_path: Path
) -> None:
    """Twenty steps of four images, of which the first ten are without a discriminator."""
    settings = {**TINY, "steps": 20, "batch_size": 4, "instance_noise": 0.5, "instance_noise_images": images}
    job = prepare(
        "srgan", "glyphs", out=tmp_path / "x",
        settings={**settings, "width": 2, "blocks": 1, "resolution": 32, "pretrain_steps": 10},
    )  # fmt: skip
    state = new_state(job.variant, job.device)
    for seen, std in expected:
        state.images = seen
        noise = job.variant.augment(state, torch.zeros(20, 1, 32, 32))
        assert float(noise.std()) == pytest.approx(std, rel=0.1, abs=1e-9)


@pytest.mark.parametrize("shape", [(64, 1, 8, 8), (64, 3, 12, 10)])
@pytest.mark.parametrize("policy", sight.POLICIES)
def test_every_policy_changes_images_one_by_one_and_lets_gradients_through(policy: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    one = torch.rand(shape[1:]) * 2 - 1
    images = one.expand(shape).clone().requires_grad_()
    found = sight.augment(images, [policy])
    assert found.shape == images.shape
    assert len({tuple(image.flatten().tolist()) for image in found}) > 4, "each image has numbers of its own"
    found.sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_translation_moves_and_cutout_cuts() -> None:
    torch.manual_seed(0)
    images = torch.arange(64.0).view(1, 1, 8, 8).expand(200, -1, -1, -1) + 1
    moved = sight.translation(images)
    places = {tuple(image.nonzero()[0].tolist()) for image in moved[:, 0]}
    assert places == {(y, x) for y in (0, 1) for x in (0, 1)}, "up to an eighth: one pixel each way"
    shifts = {float(image[4, 4]) - 37 for image in moved[:, 0]}
    assert shifts == {dy * 8 + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    cut = sight.cutout(images)
    gone = (cut == 0).flatten(1).sum(1)
    assert int(gone.max()) == 16, "half of each side"
    assert ((cut == 0) | (cut == images)).all()


def test_color_shifts_brightness_within_its_range() -> None:
    torch.manual_seed(0)
    flat = sight.color(torch.zeros(5000, 1, 2, 2))
    assert float(flat.min()) == pytest.approx(-0.5, abs=0.01)
    assert float(flat.max()) == pytest.approx(0.5, abs=0.01)


# Schedule


def counted(tmp_path: Path, **settings: Any) -> dict[str, list[int]]:
    """In which steps each player moved."""
    job = prepare(
        "vanilla", "ring", out=tmp_path / "x", settings={**TINY, "r1": 0.0, "penalty_every": 1, "lr": 2e-4, **settings}
    )
    state = new_state(job.variant, job.device)
    run = Run.create(tmp_path / "x", job.variant, {})
    loop = TrainingLoop(job.variant, state, job.dataset, run, lambda *a, **k: None, job.device)
    moved: dict[str, list[int]] = {"discriminator": [], "generator": []}
    take = loop.trainer.apply_update

    def watched(update: Any, batch: Any) -> None:
        before = [p.detach().clone() for p in state.networks[update.player].parameters()]
        take(update, batch)
        after = state.networks[update.player].parameters()
        if any(not torch.equal(p, b) for p, b in zip(after, before, strict=True)):
            moved[update.player].append(state.step + 1)

    loop.trainer.apply_update = watched  # type: ignore[method-assign]  # a spy
    loop.fit()
    return moved


def test_steps_of_each_player(tmp_path: Path) -> None:
    moved = counted(tmp_path, steps=7, d_steps=3, g_steps=2)
    assert moved == {"discriminator": [*range(1, 8)], "generator": [3, 3, 6, 6]}


def test_a_player_below_its_threshold_rests_to_the_last_bit(tmp_path: Path) -> None:
    assert counted(tmp_path / "d", steps=3, train_d_above=1e9) == {"discriminator": [], "generator": [1, 2, 3]}
    assert counted(tmp_path / "g", steps=3, train_g_above=1e9) == {"discriminator": [1, 2, 3], "generator": []}
    assert counted(tmp_path / "n", steps=3, train_g_above=-1e9)["generator"] == [1, 2, 3]


def test_rests_are_logged(tmp_path: Path) -> None:
    run = train(tmp_path / "x", 4, "vanilla", dataset="ring", train_d_above=1e9)
    assert history(run)[0]["discriminator_skipped"] == 1


def test_learning_rates_follow_their_course() -> None:
    def course(**settings: Any) -> list[float]:
        return [factor(Tricks(**settings), step, 8) for step in range(1, 9)]

    assert course() == [1] * 8
    assert course(lr_schedule="linear") == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    assert course(lr_schedule="linear", lr_decay_start=0) == pytest.approx([1 - i / 8 for i in range(8)])
    assert course(lr_schedule="step", lr_decay_start=0.25) == pytest.approx([1, 1] + [0.1] * 6)
    assert course(lr_schedule="cosine") == pytest.approx([0.5 * (1 + math.cos(math.pi * i / 8)) for i in range(8)])
    assert course(lr_warmup=4) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])


def test_learning_rates_reach_the_optimizers(tmp_path: Path) -> None:
    job = prepare(
        "vanilla",
        "ring",
        out=tmp_path / "x",
        settings={**TINY, "r1": 0.0, "penalty_every": 1, "lr": 2e-4, "steps": 4, "lr_schedule": "linear"},
    )
    state = new_state(job.variant, job.device)
    run = Run.create(tmp_path / "x", job.variant, {})
    rates: list[float] = []
    loop = TrainingLoop(job.variant, state, job.dataset, run, lambda *a, **k: None, job.device)
    take = loop.trainer.apply_update

    def watched(update: Any, batch: Any) -> None:
        rates.append(state.optimizers[update.player].param_groups[0]["lr"])
        take(update, batch)

    loop.trainer.apply_update = watched  # type: ignore[method-assign]  # a spy
    loop.fit()
    assert rates == pytest.approx([2e-4] * 6 + [1e-4] * 2)


def test_gradients_are_clipped_to_their_norm(tmp_path: Path) -> None:
    job = prepare(
        "vanilla",
        "ring",
        out=tmp_path / "x",
        settings={**TINY, "r1": 0.0, "penalty_every": 1, "lr": 2e-4, "steps": 2, "clip_grad_norm": 1e-3},
    )
    state = new_state(job.variant, job.device)
    run = Run.create(tmp_path / "x", job.variant, {})
    loop = TrainingLoop(job.variant, state, job.dataset, run, lambda *a, **k: None, job.device)
    for player in ("discriminator", "generator"):
        loop.trainer.apply_update(
            next(u for u in loop.stages[0].updates if u.player == player), loop.trainer.next_batch()
        )
        grads = [p.grad for p in state.networks[player].parameters() if p.grad is not None]
        norm = float(torch.cat([g.flatten() for g in grads]).norm())
        assert norm == pytest.approx(1e-3, rel=1e-3)
        assert float(state.window[f"{player}_grad_norm"][0]) > 1e-3, "what is logged is the norm before"


def test_r1_by_difference_is_the_same_on_average() -> None:
    """E (e . grad)^2 = |grad|^2 for a step e of independent unit normals; a logit map and two heads count together."""
    torch.manual_seed(0)
    weights = torch.randn(12)

    def judge(samples: Tensor) -> Any:
        scores = samples.flatten(1) @ weights
        return torch.stack([0.25 * scores, 0.5 * scores], 1)[:, None, :, None], 0.25 * scores

    real = torch.randn(20_000, 3, 2, 2, requires_grad=True)
    exact = losses.r1(judge(real), real, 4.0)
    found = losses.by_difference(judge, judge(real), real, 4.0)
    assert float(exact.detach()) == pytest.approx(2 * float(weights.norm()) ** 2, rel=1e-4)
    assert float(found.detach()) == pytest.approx(float(exact.detach()), rel=0.05)


def test_dragan_looks_around_real_samples() -> None:
    torch.manual_seed(0)
    weights, seen = torch.randn(4), []
    real = torch.randn(500, 4)

    def judge(samples: Tensor) -> Tensor:
        seen.append(samples.detach() - real)
        return samples @ weights

    found = losses.dragan(judge, real, 10.0)
    assert float(found) == pytest.approx(10 * (float(weights.norm()) - 1) ** 2, rel=1e-5)
    half = 0.5 * float(real.std(correction=0))
    assert seen[0].min() >= 0
    assert seen[0].max() == pytest.approx(half, rel=0.02)


def test_augmentations_come_with_their_probability() -> None:
    torch.manual_seed(0)
    images = torch.rand(2_000, 3, 8, 8)
    for probability in (0.0, 0.25, 1.0):
        found = sight.augment(images, ["color"], torch.tensor(probability))
        changed = (found != images).flatten(1).any(1).double().mean()
        assert float(changed) == pytest.approx(probability, abs=0.03)
    twice = sight.augment(images, ["color", "cutout"], torch.tensor(0.5))
    changed = (twice != images).flatten(1).any(1).double().mean()
    assert float(changed) == pytest.approx(0.75, abs=0.03)  # each by itself


def test_the_probability_follows_how_sure_d_is_of_real_samples() -> None:
    probability = torch.tensor(0.5)
    sight.adapt(probability, torch.tensor([3.0, 1.0, 2.0, -1.0]), 0.4, 0.01)  # mean sign 0.5
    assert float(probability) == pytest.approx(0.51)
    sight.adapt(probability, torch.tensor([3.0, 1.0, 2.0, -1.0]), 0.6, 0.03)
    assert float(probability) == pytest.approx(0.48)
    for _ in range(100):
        sight.adapt(probability, -torch.ones(4), 0.6, 0.1)
    assert float(probability) == 0
    for _ in range(100):
        sight.adapt(probability, torch.ones(4), 0.6, 0.1)
    assert float(probability) == 1
